// Package clsact attaches programs of type sched_cls the way that kernels before
// 6.6 have: as a direct-action filter of the qdisc clsact, made over netlink.
//
// Such a filter has no link: it cannot be pinned and does not end with the process
// that made it. It stays until it is deleted, its interface goes or the machine is
// started again.
package clsact
