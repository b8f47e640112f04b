// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program to probe, for x86-64, without a C library: two functions and a static
   probe with three arguments and a semaphore, in the form that sys/sdt.h leaves
   (SystemTap wiki, UserSpaceProbeImplementation). Its exit code is what the
   semaphore was. */

__asm__(".section .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"
	".weak _.stapsdt.base\n_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.previous\n");

__attribute__((section(".probes"), used)) volatile unsigned short probed_semaphore;

__attribute__((noinline, used)) int probed_one(int x)
{
	long far = x + 1000;
	__asm__ volatile("990: nop\n"
		".pushsection .note.stapsdt, \"?\", \"note\"\n"
		".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"
		"991: .asciz \"stapsdt\"\n992: .balign 4\n"
		"993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte probed_semaphore\n"
		".asciz \"probed\"\n.asciz \"call\"\n.asciz \"-4@%0 8@%1 -4@$-7\"\n"
		"994: .balign 4\n.popsection\n" : : "r"(x), "m"(far));
	return x + 1;
}

__attribute__((noinline, used)) int probed_two(int x)
{
	__asm__ volatile("");
	return probed_one(x) * 2;
}

__attribute__((naked, used)) void _start(void)
{
	__asm__("mov $41, %edi\n call probed_two\n movzwl probed_semaphore(%rip), %edi\n mov $60, %eax\n syscall");
}
