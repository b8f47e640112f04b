// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Prints a line to its own standard output. The kernel's function is called
 * bpf_stream_vprintk_impl in Linux 6.18, and takes the program's auxiliary data
 * from the verifier. */
#define SEC(name) __attribute__((section(name), used))
#define __ksym __attribute__((section(".ksyms")))

extern int bpf_stream_vprintk_impl(int id, const char *fmt__str, const void *args, unsigned int len__sz, void *aux__prog) __ksym __attribute__((weak));

SEC("syscall")
int prints(void *ctx)
{
	static const char format[] = "hello %d\nand more\n";
	unsigned long long args[1] = { 42 };

	if (bpf_stream_vprintk_impl)
		bpf_stream_vprintk_impl(1, format, args, sizeof(args), (void *)0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
