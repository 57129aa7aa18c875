package storetest

import (
	"os/exec"
	"runtime"
)

// lock starts a command on a thread of its own and keeps that: the kernel ends a child with a death signal when the thread that started it ends.
func lock(c *exec.Cmd, ready chan<- error) {
	runtime.LockOSThread()
	ready <- c.Start()
	c.Wait()
}
