package accel

import (
	"fmt"
	"path/filepath"
	"strings"
)

// request is what the user asks for, by GOMLX_BACKEND and runtime.device.
type request struct {
	backend string // "xla" or "go"
	plugin  string // absolute path, or a plugin's name other than cpu and cuda; mostly ""
	device  string // "auto", "cpu", "cuda", or "" where a plugin is given
	options string // for the backend, after the plugin's name: "tf32=false,…"
}

// parseRequest reads GOMLX_BACKEND ("", "go", "xla", "xla:cpu,option", "xla:/abs/plugin.so"), which wins over the
// settings' device where it names one.
func parseRequest(variable, device string) (request, error) {
	if device == "" {
		device = "auto"
	}
	name, rest, _ := strings.Cut(variable, ":")
	switch name {
	case "go":
		if device == "cuda" {
			return request{}, fmt.Errorf("GOMLX_BACKEND=%s, but runtime.device is cuda: unset one of the two", variable)
		}
		return request{backend: "go", options: rest}, nil
	case "", "xla", "stablehlo", "hlo", "shlo":
	default:
		return request{}, fmt.Errorf("GOMLX_BACKEND=%s: no such backend; expected xla, xla:cpu, xla:cuda, xla:/path/of/plugin.so or go", variable)
	}
	plugin, options, _ := strings.Cut(rest, ",")
	r := request{backend: "xla", device: device, options: options}
	switch {
	case plugin == "":
	case plugin == "cpu" || plugin == "cuda":
		if device != "auto" && device != plugin {
			return request{}, fmt.Errorf("GOMLX_BACKEND=%s, but runtime.device is %s: unset one of the two", variable, device)
		}
		r.device = plugin
	case strings.ContainsRune(plugin, filepath.Separator) && !filepath.IsAbs(plugin):
		return request{}, fmt.Errorf("GOMLX_BACKEND=%s: the plugin's path must be absolute", variable)
	default:
		r.plugin = plugin
		if device == "auto" {
			r.device = ""
		}
	}
	return r, nil
}
