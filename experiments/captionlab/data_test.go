package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/captionlab/captionlab/internal/picture/picturetest"
)

// makePicture is the testscript command
//
//	picture KIND FILE [SEED]
//
// which writes a picture file: jpeg (a scene of the seed), saved (the same at another size and quality), turned (by
// EXIF), cut, bomb, empty.
func makePicture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: picture KIND FILE [SEED]")
	}
	seed := uint64(1)
	if len(args) == 3 {
		n, err := strconv.ParseUint(args[2], 10, 64)
		ts.Check(err)
		seed = n
	}
	t := scriptT{ts}
	scene := picturetest.JPEG(t, picturetest.Scene(seed, 160, 120), 90)
	var data []byte
	switch args[0] {
	case "jpeg":
		data = scene
	case "saved":
		data = picturetest.JPEG(t, picturetest.Scene(seed, 96, 72), 50)
	case "turned":
		data = picturetest.Oriented(scene, binary.BigEndian, 6)
	case "cut":
		data = scene[:len(scene)/2]
	case "bomb":
		data = picturetest.Bomb(t)
	case "empty":
	default:
		ts.Fatalf("picture: no kind %q", args[0])
	}
	path := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(os.WriteFile(path, data, 0o644))
}

// scriptT lets a script fail as a test does.
type scriptT struct{ ts *testscript.TestScript }

func (scriptT) Helper()             {}
func (t scriptT) Fatal(args ...any) { t.ts.Fatalf("%s", fmt.Sprint(args...)) }
