package storetest

import (
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
)

// child makes a command die with this process, and run as postgres if this one is root: the server refuses that.
func child(c *exec.Cmd, dir string) error {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	c.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(dir, uid, gid)
}

// start starts a command on a thread of its own and keeps that: the kernel ends a child with a death signal when the thread that started it
// ends. Over is closed when the command has ended.
func start(c *exec.Cmd) (over chan struct{}, err error) {
	ready, over := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		err := c.Start()
		ready <- err
		if err == nil {
			c.Wait()
		}
		close(over)
	}()
	return over, <-ready
}
