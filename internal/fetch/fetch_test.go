package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// content is a file large enough to be cut short.
var content = bytes.Repeat([]byte("captionlab\n"), 20_000)

func pinned(urls ...string) File {
	return File{Name: "weights.bin", SHA256: sum(content), Size: int64(len(content)), URLs: urls}
}

// server serves content in several ways and counts its requests.
func server(t *testing.T) (url string, requests *atomic.Int32) {
	requests = new(atomic.Int32)
	cut := func(w http.ResponseWriter, from, n int) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
		_, _ = w.Write(content[from : from+n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler) // the connection breaks
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	mux.HandleFunc("/norange", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(content) })
	mux.HandleFunc("/wrong", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(bytes.ToUpper(content))
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(content)
		_, _ = w.Write(content)
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) { cut(w, 0, 100_000) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(content[:50_000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/badrange", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(content)-1, len(content)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(content)
	})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func TestEnsureByURL(t *testing.T) {
	url, _ := server(t)
	tests := map[string]struct {
		reason string
		urls   []string
		part   []byte   // what an earlier, killed process left
		errs   []string // in the error, in this order; none: the file is there
	}{
		"good":                {"the plain way", []string{"/good"}, nil, nil},
		"next source":         {"a page that is gone: the next source serves", []string{"/gone", "/good"}, nil, nil},
		"wrong then good":     {"other bytes are thrown away, not kept as a part", []string{"/wrong", "/good"}, nil, nil},
		"cut then good":       {"the next source continues the first one's part", []string{"/cut", "/good"}, nil, nil},
		"cut then no range":   {"a server that can't continue starts over", []string{"/cut", "/norange"}, nil, nil},
		"resumes":             {"an earlier part is used", []string{"/good"}, content[:7_000], nil},
		"resumes other bytes": {"a part of another file is found out by the hash, and fetched once more whole", []string{"/good"}, []byte("something else"), nil},
		"whole part":          {"killed after the last byte, before the rename", []string{"/good"}, content, nil},
		"part too long":       {"a part longer than the file is dropped", []string{"/good"}, append([]byte("x"), content...), nil},
		"bad range": {"a server that answers another range than asked is not believed", []string{"/badrange"}, content[:7_000],
			[]string{"/badrange: asked to continue at byte 7000"}},
		"wrong":        {"both hashes are told", []string{"/wrong"}, nil, []string{"/wrong: wrong SHA-256: got " + sum(bytes.ToUpper(content)) + ", want " + sum(content)}},
		"long":         {"more bytes than pinned are not taken", []string{"/long"}, nil, []string{"wrong SHA-256"}},
		"all sources":  {"every source is named, in order, with what to do", []string{"/gone", "/cut"}, nil, []string{"/gone: 404 Not Found", "/cut: after ", "put the file (220 kB, SHA-256 " + sum(content) + ") at "}},
		"no source":    {"a file that the user must bring", nil, nil, []string{"no source", "put the file"}},
		"unreachable":  {"a closed port fails at once", []string{"closed"}, nil, []string{"connection refused"}},
		"odd protocol": {"an address that is none", []string{"odd"}, nil, []string{"unsupported protocol"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "weights") // is created
			f := pinned()
			for _, u := range test.urls {
				switch u {
				case "closed":
					f.URLs = append(f.URLs, "http://127.0.0.1:1/x")
				case "odd":
					f.URLs = append(f.URLs, "gopher://127.0.0.1/x")
				default:
					f.URLs = append(f.URLs, url+u)
				}
			}
			if test.part != nil {
				write(t, filepath.Join(dir, ".weights.bin.fetch", "part"), test.part)
			}
			path, err := Ensure(t.Context(), dir, f, io.Discard)
			if len(test.errs) == 0 {
				if err != nil {
					t.Fatalf("%s: %v", test.reason, err)
				}
				holds(t, path, content)
				if path != filepath.Join(dir, "weights.bin") {
					t.Errorf("path %s", path)
				}
				left(t, dir, "weights.bin", ".weights.bin.lock", ".weights.bin.sha256")
				return
			}
			if err == nil {
				t.Fatalf("%s: no error", test.reason)
			}
			var failed *Error
			if !errors.As(err, &failed) || len(failed.Tried) != max(1, len(test.urls)) {
				t.Errorf("not an *Error of all sources: %v", err)
			}
			rest := err.Error()
			for _, want := range test.errs {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Errorf("%s: no %q in\n%v", test.reason, want, err)
				}
				rest = after
			}
			if _, err := os.Stat(filepath.Join(dir, "weights.bin")); err == nil {
				t.Error("a bad file lies under its own name")
			}
		})
	}
}

// A cut download leaves its part, and the next call asks for the rest only.
func TestResumeAsksForTheRest(t *testing.T) {
	var ranges []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		if len(ranges) == 1 {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			_, _ = w.Write(content[:100_000])
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer s.Close()
	dir := t.TempDir()
	if _, err := Ensure(t.Context(), dir, pinned(s.URL), nil); err == nil {
		t.Fatal("no error of a broken connection")
	}
	path, err := Ensure(t.Context(), dir, pinned(s.URL), nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, content)
	if len(ranges) != 2 || ranges[0] != "" || !strings.HasPrefix(ranges[1], "bytes=") || ranges[1] == "bytes=0-" {
		t.Errorf("ranges asked for: %q", ranges)
	}
}

func TestPresentFileIsNotFetched(t *testing.T) {
	url, requests := server(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "weights.bin")
	write(t, path, content) // brought by the user
	for range 2 {
		if _, err := Ensure(t.Context(), dir, pinned(url+"/good"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}

	// A change on disk is noticed although the hash was remembered, and repaired.
	damaged := bytes.Clone(content)
	damaged[1000] ^= 1
	write(t, path, damaged)
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if got, err := Present(dir, pinned()); got != "" || err != nil {
		t.Errorf("Present of a damaged file: %q, %v", got, err)
	}
	var log bytes.Buffer
	if _, err := Ensure(t.Context(), dir, pinned(url+"/good"), &log); err != nil {
		t.Fatal(err)
	}
	holds(t, path, content)
	if !strings.Contains(log.String(), "wrong SHA-256") {
		t.Errorf("the log does not say why it fetched again: %q", log.String())
	}
	if got, err := Present(dir, pinned()); got != path || err != nil {
		t.Errorf("Present: %q, %v", got, err)
	}
}

// TestSideFileThatCannotBeWritten: a file that is there is no failed download, and no other source is asked for it.
func TestSideFileThatCannotBeWritten(t *testing.T) {
	url, requests := server(t)
	dir := t.TempDir()
	f := pinned(url+"/good", url+"/norange")
	if err := os.Mkdir(sideFile(filepath.Join(dir, f.Name)), 0o755); err != nil { // no file takes its place
		t.Fatal(err)
	}
	path, err := Ensure(t.Context(), dir, f, nil)
	if err != nil || requests.Load() != 1 {
		t.Errorf("%d requests, %v", requests.Load(), err)
	}
	holds(t, path, content)
}

func TestConcurrentEnsure(t *testing.T) {
	url, requests := server(t)
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			path, err := Ensure(t.Context(), dir, pinned(url+"/good"), nil)
			if err != nil {
				t.Error(err)
				return
			}
			holds(t, path, content)
		})
	}
	all.Wait()
	if n := requests.Load(); n != 1 {
		t.Errorf("%d downloads of one file", n)
	}
}

func TestCancel(t *testing.T) {
	url, _ := server(t)
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := Ensure(ctx, dir, pinned(url+"/slow", url+"/good"), nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "weights.bin")); err == nil {
		t.Error("a cancelled download lies under its own name, or went on to the next source")
	}
}

// A process that is killed in the middle of a download neither keeps the lock nor leaves a bad file.
func TestKill(t *testing.T) {
	const variable = "CAPTIONLAB_FETCH_TEST"
	if args := os.Getenv(variable); args != "" {
		dir, url, _ := strings.Cut(args, "|")
		_, err := Ensure(context.Background(), dir, pinned(url), os.Stderr)
		t.Fatalf("the child ended by itself: %v", err)
	}
	url, _ := server(t)
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), variable+"="+dir+"|"+url+"/slow")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(dir, ".weights.bin.fetch", "part")
	for deadline := time.Now().Add(time.Minute); fileSize(part) < 50_000; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the child downloads nothing")
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	path, err := Ensure(t.Context(), dir, pinned(url+"/good"), nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, content)
	left(t, dir, "weights.bin", ".weights.bin.lock", ".weights.bin.sha256")
}

func TestBadFile(t *testing.T) {
	for _, f := range []File{
		{Name: "", SHA256: sum(nil)},
		{Name: "../x", SHA256: sum(nil)},
		{Name: "x", SHA256: ""},
		{Name: "x", SHA256: sum(nil), Wheel: &Wheel{Package: "p", Version: "1", Member: "m"}},
	} {
		if _, err := Ensure(t.Context(), t.TempDir(), f, nil); err == nil {
			t.Errorf("%+v: no error", f)
		}
	}
}

// The published digest of "abc": FIPS 180-2, appendix B.1.
func TestSHA256File(t *testing.T) {
	path := filepath.Join(t.TempDir(), "abc")
	write(t, path, []byte("abc"))
	got, err := SHA256File(path)
	if want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := SHA256File(path + "x"); err == nil {
		t.Error("no error of a missing file")
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s holds other bytes: %d, want %d", path, len(got), len(want))
	}
}

// left checks what lies in a folder: nothing unfinished stays.
func left(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	expected := map[string]bool{}
	for _, name := range want {
		expected[name] = true
	}
	for _, e := range entries {
		if !expected[e.Name()] {
			t.Errorf("%s was left in the folder", e.Name())
		}
	}
}

// A download that grows is left alone, one that stops growing is cancelled, with the reason.
func TestWatch(t *testing.T) {
	const patience = time.Second
	var size atomic.Int64
	var log bytes.Buffer
	ctx, stop := Watch(t.Context(), &log, "a thing", 5000, patience, size.Load)
	for start := time.Now(); time.Since(start) < 2*patience; time.Sleep(patience / 20) {
		size.Add(1)
	}
	if ctx.Err() != nil {
		t.Errorf("cancelled while it grew: %v", context.Cause(ctx))
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
	}
	if cause := context.Cause(ctx); cause == nil || cause.Error() != "no data for 1s" {
		t.Errorf("cause %v", cause)
	}
	stop()
	if log.String() != "fetching a thing (5.0 kB) ...\n" {
		t.Errorf("log %q", log.String())
	}
}
