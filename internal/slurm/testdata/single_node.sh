#!/bin/bash
# A Slurm of one node on this machine, for tests: Debian's packages, started by hand, without systemd and cgroups.
#
#   single_node.sh install                 install the packages (Debian, Ubuntu; as root)
#   single_node.sh start FOLDER [accounting]   start munged, slurmctld, slurmd; with accounting MariaDB and slurmdbd, too
#   single_node.sh stop FOLDER             stop them
#   single_node.sh test                    all of it from scratch: install as root where something is missing, run the
#                                          tests that need a Slurm, with and without accounting, stop
#
# Everything it writes lies in FOLDER; nothing in /etc is touched. After start, `. FOLDER/env` makes sbatch and the
# others use it. FOLDER's path must be short: it holds sockets.
set -euo pipefail

fail() { echo "single_node.sh: $*" >&2; exit 1; }

# until_true TRIES COMMAND... tries every fifth of a second.
until_true() {
	local tries=$1
	shift
	for _ in $(seq "$tries"); do
		timeout 2 "$@" >/dev/null 2>&1 && return 0
		sleep 0.2
	done
	return 1
}

install_packages() {
	[ "$(id -u)" = 0 ] || fail 'installing packages needs root'
	apt-get update -qq
	# Their services would start by themselves on a machine with systemd, with settings of their own.
	DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
		apt-get install -qq -y --no-install-recommends slurmctld slurmd slurm-client munge slurmdbd mariadb-server >/dev/null
}

start_accounting() {
	local dir=$1
	if [ ! -d "$dir/mysql/mysql" ]; then
		mysql_install_db --no-defaults --datadir="$dir/mysql" --user=root --auth-root-authentication-method=normal >"$dir/mysql.log" 2>&1
	fi
	mariadbd --no-defaults --datadir="$dir/mysql" --socket="$dir/mysql.sock" --pid-file="$dir/mysql.pid" --user=root \
		--skip-networking --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 >>"$dir/mysql.log" 2>&1 &
	until_true 150 mysqladmin --no-defaults --socket="$dir/mysql.sock" ping || fail "MariaDB does not answer: $dir/mysql.log"
	cat >"$dir/slurmdbd.conf" <<-CONF
		AuthType=auth/munge
		AuthInfo=socket=$dir/munge.sock
		DbdHost=localhost
		DbdPort=16819
		SlurmUser=$(id -un)
		LogFile=$dir/slurmdbd.log
		PidFile=$dir/slurmdbd.pid
		StorageType=accounting_storage/mysql
		StorageUser=root
		StorageLoc=slurm
	CONF
	chmod 600 "$dir/slurmdbd.conf"
	MYSQL_UNIX_PORT="$dir/mysql.sock" SLURM_CONF="$dir/slurm.conf" slurmdbd
	until_true 20 env SLURM_CONF="$dir/slurm.conf" sacctmgr -n show cluster || fail "slurmdbd does not answer: $dir/slurmdbd.log"
	SLURM_CONF="$dir/slurm.conf" sacctmgr -i add cluster single >/dev/null
}

start() {
	local dir=$1 accounting=${2:-}
	case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
	for program in munged slurmctld slurmd sbatch ${accounting:+slurmdbd mariadbd}; do
		command -v "$program" >/dev/null || fail "$program is missing: single_node.sh install"
	done
	mkdir -p "$dir/state" "$dir/spool" "$dir/mysql"
	chmod 755 "$dir"
	[ -f "$dir/munge.key" ] || dd if=/dev/urandom of="$dir/munge.key" bs=1024 count=1 status=none
	chmod 400 "$dir/munge.key"
	munged --force --key-file="$dir/munge.key" --socket="$dir/munge.sock" --pid-file="$dir/munged.pid" --log-file="$dir/munged.log" \
		--seed-file="$dir/munge.seed" 2>>"$dir/munged.log"
	local host cpus memory storage
	host=$(hostname -s)
	cpus=$(nproc)
	memory=$(awk '/^MemTotal/ { print int($2 / 1024 * 0.9) }' /proc/meminfo)
	storage=accounting_storage/none
	[ -z "$accounting" ] || storage=accounting_storage/slurmdbd
	cat >"$dir/slurm.conf" <<-CONF
		ClusterName=single
		SlurmctldHost=$host(127.0.0.1)
		SlurmctldPort=16817
		SlurmdPort=16818
		SlurmUser=$(id -un)
		SlurmdUser=$(id -un)
		AuthType=auth/munge
		AuthInfo=socket=$dir/munge.sock
		CredType=cred/munge
		StateSaveLocation=$dir/state
		SlurmdSpoolDir=$dir/spool
		SlurmctldPidFile=$dir/slurmctld.pid
		SlurmdPidFile=$dir/slurmd.pid
		SlurmctldLogFile=$dir/slurmctld.log
		SlurmdLogFile=$dir/slurmd.log
		# Containers have no cgroups of their own: processes are found by their parents, and memory limits are held by
		# looking at them each second.
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		JobAcctGatherType=jobacct_gather/linux
		JobAcctGatherFrequency=task=1
		JobAcctGatherParams=OverMemoryKill
		SelectType=select/cons_tres
		SelectTypeParameters=CR_CPU_Memory
		DefMemPerCPU=1000
		SchedulerType=sched/backfill
		SchedulerParameters=sched_interval=1,bf_interval=2,batch_sched_delay=1
		ReturnToService=2
		KillWait=5
		MinJobAge=300
		OverTimeLimit=0
		MpiDefault=none
		AccountingStorageType=$storage
		AccountingStorageHost=localhost
		AccountingStoragePort=16819
		AccountingStoragePass=$dir/munge.sock
		NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory State=UNKNOWN
		PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
	CONF
	printf "export SLURM_CONF='%s'\n" "$dir/slurm.conf" >"$dir/env"
	[ -z "$accounting" ] || start_accounting "$dir"
	export SLURM_CONF="$dir/slurm.conf"
	slurmctld
	slurmd
	until_true 150 bash -c '[ "$(sinfo -h -o %T)" = idle ]' || fail "the node does not get ready: $dir/slurmctld.log, $dir/slurmd.log; sinfo: $(sinfo -h -o '%T %E' 2>&1)"
	echo "Slurm $(sinfo --version | cut -d' ' -f2) with $cpus CPUs; use it by: . $dir/env"
}

stop() {
	local dir=$1 name pid
	if [ -f "$dir/slurm.conf" ]; then
		SLURM_CONF="$dir/slurm.conf" timeout 10 scancel --user="$(id -un)" 2>/dev/null || true
	fi
	for name in slurmd slurmctld slurmdbd mysql munged; do
		[ -f "$dir/$name.pid" ] || continue
		pid=$(cat "$dir/$name.pid")
		kill "$pid" 2>/dev/null || continue
		until_true 75 bash -c "! kill -0 $pid" || kill -9 "$pid" 2>/dev/null || true
	done
}

run_tests() {
	local dir kind name missing= failed=0
	for name in sbatch slurmctld slurmd munged slurmdbd mariadbd; do
		command -v "$name" >/dev/null || missing="$missing $name"
	done
	if [ -n "$missing" ]; then
		[ "$(id -u)" = 0 ] || fail "Slurm lacks$missing, and installing it needs root: sudo internal/slurm/testdata/single_node.sh install"
		install_packages
	fi
	cd "$(dirname "$0")/../../.."
	for kind in accounting ''; do
		dir=$(mktemp -d /tmp/slurm.XXXX)
		trap 'stop "$dir"; rm -rf "$dir"' EXIT
		start "$dir" "$kind"
		if [ -n "$kind" ]; then echo 'testing with accounting'; else echo 'testing without accounting'; fi
		(. "$dir/env" && CAPTIONLAB_SLURM=1 "${GO:-go}" test ./experiments -run '^TestSlurm$' -count=1 -timeout=30m -v) || failed=1
		stop "$dir"
		rm -rf "$dir"
		trap - EXIT
	done
	return $failed
}

case ${1:-} in
test) run_tests ;;
install) install_packages ;;
start) start "${2:?the folder}" "${3:-}" ;;
stop) stop "${2:?the folder}" ;;
*) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
