#!/bin/bash
# Records what Slurm's commands say of tasks in every state that can be brought about on one node, for the tests of their
# parsing: recorded/sacct.txt and recorded/scontrol.txt, with the same jobs. It needs a Slurm with accounting:
#
#   ./single_node.sh start /tmp/s accounting && . /tmp/s/env && ./record.sh; ./single_node.sh stop /tmp/s
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >task.sh <<'TASK'
#!/bin/sh
case $SLURM_ARRAY_TASK_ID in
1) exit 0 ;;
2) exit 7 ;;
3) exec sleep 300 ;;                                                   # is cancelled
4) exec python3 -c 'import time; x = bytearray(b"x") * 900000000; time.sleep(60)' ;; # runs out of memory
5) exec sleep 300 ;;                                                   # reaches its time limit
*) exec sleep 300 ;;
esac
TASK
printf '#!/bin/sh\nexit 3\n' >bad.sh
printf '#!/bin/sh\nexec sleep 300\n' >wait.sh

common=(--parsable --cpus-per-task=1 --mem=200M --requeue --output="$work/%j.log")
array=$(sbatch "${common[@]}" --array=1-5 --time=0:20 --job-name=states task.sh)
sleep 4
scancel "${array}_3"
bad=$(sbatch "${common[@]}" --job-name=bad bad.sh)
never=$(sbatch "${common[@]}" --array=1-3 --dependency="afterok:$bad" --kill-on-invalid-dep=yes --job-name=never task.sh)
for _ in $(seq 60); do # Slurm looks at time limits now and then
	[ "$(sacct -n -P -X -j "${array}_5" --format=State)" = TIMEOUT ] && break
	sleep 2
done
limited=$(sbatch "${common[@]}" --array=1-3,7,1000%1 --job-name=limited wait.sh)
cut=$(sbatch "${common[@]}" --array=2,5,10,17,26,37,50,65,82,101,122,145,170,197,226,257,290,325,362,401 --hold --job-name=cut wait.sh)
stopped=$(sbatch "${common[@]}" --array=1-4:3 --dependency="afterany:$limited" --job-name=stopped wait.sh)
sleep 3
scancel "$stopped"
sleep 3

node=$(hostname -s)
jobs="$array $bad $never $limited $cut $stopped"
tidy() { sed "s/\b$node\b/node1/g; s#$work#/jobs#g"; }
SLURM_BITSTR_LEN=0 sacct --noheader --parsable2 --allocations --format=JobID,State,ExitCode,Reason,NodeList,ElapsedRaw --jobs="${jobs// /,}" | tidy >"$here/recorded/sacct.txt"
sacct --noheader --parsable2 --allocations --format=JobID,State,ExitCode,Reason,NodeList,ElapsedRaw --jobs="$cut" | tidy >"$here/recorded/sacct_cut.txt"
for job in $jobs; do SLURM_BITSTR_LEN=0 scontrol show job --oneliner "$job"; done | tidy >"$here/recorded/scontrol.txt"
scancel $jobs
