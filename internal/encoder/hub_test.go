package encoder

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A download that goes wrong is an error once, and made anew by the next run.
func TestHubBreaksOff(t *testing.T) {
	weights, err := os.ReadFile("testdata/torch.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	hubStall = 200 * time.Millisecond
	defer func() { hubStall = time.Minute }()
	how := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			fmt.Fprintf(w, `{"sha":"0123abcd","siblings":[{"rfilename":"model.safetensors","size":%d}]}`, len(weights))
			return
		}
		how := how // it changes as soon as the client has its answer
		w.Header().Set("ETag", `"e7a9"`)
		if r.Method == http.MethodHead {
			return
		}
		part := weights
		if how != "whole" {
			part = weights[:len(weights)/2]
		}
		if how != "short" {
			w.Header().Set("Content-Length", fmt.Sprint(len(weights)))
		}
		_, _ = w.Write(part)
		w.(http.Flusher).Flush()
		switch how {
		case "cut":
			panic(http.ErrAbortHandler)
		case "stalled":
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	t.Setenv("HF_ENDPOINT", server.URL)
	find := fromHub("timm/vgg16.tv_in1k", "model.safetensors")
	for kind, want := range map[string]string{
		"cut":     "the connection broke off before its end",
		"short":   fmt.Sprintf("got %d bytes, expected %d", len(weights)/2, len(weights)),
		"stalled": "no data for 200ms",
	} {
		dir := filepath.Join(t.TempDir(), "a [folder] with * and ?")
		for range 2 {
			how = kind
			if path, _, err := find(t.Context(), dir, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %s, %v, want %q", kind, path, err, want)
			}
		}
		how = "whole"
		for range 2 { // of two, the second finds what the first left
			path, _, err := find(t.Context(), dir, new(bytes.Buffer))
			if err != nil {
				t.Errorf("after %s: %v", kind, err)
				continue
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, weights) {
				t.Errorf("after %s: other bytes, %v", kind, err)
			}
			how = "gone"
		}
	}
}

// A link that a broken download left, as earlier versions did, is not taken for the file.
func TestHubLinkThatLeadsNowhere(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "[hub]")
	for _, commit := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(folder, "snapshots", commit), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../../blobs/"+commit, filepath.Join(folder, "snapshots", commit, "model.safetensors")); err != nil {
			t.Skip("no links here:", err)
		}
	}
	if got := fromSnapshot(folder, "model.safetensors"); got != "" {
		t.Errorf("found %s", got)
	}
	if err := os.MkdirAll(filepath.Join(folder, "blobs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "blobs", "a"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := fromSnapshot(folder, "model.safetensors"), filepath.Join(folder, "snapshots", "a", "model.safetensors"); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}
