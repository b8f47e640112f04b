// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Global variables of each kind that can be set before a load. */
enum mode { MODE_OFF, MODE_ON = 7 };

struct rule {
	unsigned int from, to;
	unsigned short ports[2];
};

const volatile unsigned int number = 5;
const volatile long long negative;
const volatile _Bool enabled;
const volatile enum mode mode;
const volatile char name[8] = "none";
const volatile int list[3];
const volatile struct rule rule;
unsigned long long counted = 1; /* in .data */
unsigned int zeroed;            /* in .bss */

__attribute__((section("socket"), used)) int filter(void *ctx)
{
	zeroed += enabled + mode + name[0] + list[0] + rule.from;
	return number + negative + counted;
}

char LICENSE[] __attribute__((section("license"), used)) = "Dual BSD/GPL";
