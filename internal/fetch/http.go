package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	connectTimeout = 5 * time.Second  // a host that can't be reached fails fast
	answerTimeout  = 20 * time.Second // until the headers
	stallTimeout   = 60 * time.Second // without a byte
)

// errWrongHash says that a download ended with other bytes than the pinned ones.
var errWrongHash = errors.New("wrong SHA-256")

// download fetches a URL to work/part, goes on where an earlier try stopped, and moves the checked file to path.
func download(ctx context.Context, url, work, path string, f File, log io.Writer) error {
	part := filepath.Join(work, "part")
	if f.Size > 0 && fileSize(part) == f.Size && place(part, path, f) == nil {
		return nil // killed after the last byte
	}
	resumed, err := get(ctx, url, part, f, log)
	if err != nil {
		return err
	}
	err = place(part, path, f)
	if resumed && errors.Is(err, errWrongHash) { // the earlier part was of something else: once more, whole
		if _, err = get(ctx, url, part, f, log); err == nil {
			err = place(part, path, f)
		}
	}
	return err
}

// get downloads to part. What is there stays if the server can continue after it; resumed says that it did.
func get(ctx context.Context, url, part string, f File, log io.Writer) (resumed bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	file, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return false, err
	}
	defer file.Close()
	have, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	if have > 0 && (f.Size == 0 || have < f.Size) {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	client, closeIdle := client()
	defer closeIdle()
	response, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusPartialContent:
		var start int64
		if _, err := fmt.Sscanf(response.Header.Get("Content-Range"), "bytes %d-", &start); err != nil || start != have {
			return false, fmt.Errorf("asked to continue at byte %d, got %q", have, response.Header.Get("Content-Range"))
		}
		resumed = true
	case http.StatusOK, http.StatusRequestedRangeNotSatisfiable:
		if err := file.Truncate(0); err != nil {
			return false, err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return false, err
		}
		have = 0
		if response.StatusCode != http.StatusOK {
			return false, errors.New("the earlier part of the download did not fit; it is removed, run again")
		}
	default:
		return false, errors.New(response.Status)
	}

	body := &stallReader{r: response.Body, timer: time.AfterFunc(stallTimeout, func() {
		cancel(fmt.Errorf("no data for %s", stallTimeout))
	})}
	defer body.timer.Stop()
	total := f.Size
	if total == 0 && response.ContentLength > 0 {
		total = have + response.ContentLength
	}
	stop := watch(log, f.Name, total, func() int64 { return fileSize(part) })
	defer stop()
	limit := int64(1) << 40
	if f.Size > 0 {
		limit = f.Size - have + 1 // one byte too many shows that it is another file
	}
	n, err := io.Copy(file, io.LimitReader(body, limit))
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return resumed, fmt.Errorf("after %d bytes: %w", have+n, err)
	}
	if f.Size > 0 && have+n < f.Size {
		return resumed, fmt.Errorf("ended after %d of %d bytes", have+n, f.Size)
	}
	return resumed, file.Sync()
}

// place moves a whole download to its own name if its hash is right, and removes it if it is not.
func place(part, path string, f File) error {
	sum, err := SHA256File(part)
	if err != nil {
		return err
	}
	if sum != f.SHA256 {
		_ = os.Remove(part)
		return fmt.Errorf("%w: got %s, want %s", errWrongHash, sum, f.SHA256)
	}
	return os.Rename(part, path)
}

func client() (*http.Client, func()) {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:   2 * connectTimeout,
		ResponseHeaderTimeout: answerTimeout,
		ForceAttemptHTTP2:     true,
	}
	return &http.Client{Transport: transport}, transport.CloseIdleConnections
}

// stallReader pushes its timer back with every read that brings data.
type stallReader struct {
	r     io.Reader
	timer *time.Timer
}

func (s *stallReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if n > 0 {
		s.timer.Reset(stallTimeout)
	}
	return n, err
}
