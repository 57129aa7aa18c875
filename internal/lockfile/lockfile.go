// Package lockfile lets one process at a time hold a file. The system lets go of it when the process ends, however it does.
package lockfile

import (
	"errors"
	"os"
)

// ErrHeld says that another process holds the file, or this one by another opening of it.
var ErrHeld = errors.New("the file is held by another process")

// Try holds an open file until it is closed, or says at once that it cannot: ErrHeld, or what is wrong with the file.
func Try(f *os.File) error { return try(f) }
