package proc

import "syscall"

// endWithParent has the kernel kill the child when this process is gone, however
// it went.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
