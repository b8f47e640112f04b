// Package store keeps the kernels that can be booted in a folder of the person's
// cache: RELEASE/vmlinux, RELEASE/config and RELEASE/kernel.json, which says where
// they are from and what digests they have.
//
// A kernel is put together in a folder of its own and renamed into place, so that
// it is there whole or not at all, also when several processes fetch it at once.
package store
