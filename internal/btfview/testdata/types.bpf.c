// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Types of every kind that maps and events hold. Each is the type of a global,
// so that the compiler keeps it.

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

enum state { STATE_IDLE, STATE_BUSY = 7, STATE_GONE = -1 };
enum big_state { BIG_NONE = 0, BIG_TOP = 0x8000000000000001ULL };

struct scalars {
	__u64 u64;
	__s64 s64;
	__u32 u32;
	__s32 s32;
	__u16 u16, u16_too;
	__s8 s8, s8_too, s8_three;
	__u8 u8;
};

struct event {
	__u32 pid;
	__s32 code;
	__u64 when;
	char comm[16];
	char lines[2][8];
};

struct flow {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__be32 seq;
	__u8 h_source[6];
	__u8 smac[6];
	struct in6_addr from;
	__u8 ip6_dst[16];
};

struct bits {
	__u32 low : 3;
	__s32 mid : 5;
	enum state kind : 4;
	__u32 high : 20;
};

struct inner {
	__u16 a, b;
};

struct nested {
	struct inner one;
	struct inner two[2];
	union {
		__u32 word;
		__u16 halves[2];
		struct {
			__u8 first, second, third, fourth;
		};
	};
	union {
		__u64 number;
		double real;
	} named;
	enum state state;
	_Bool yes, no;
	__u8 rest[2];
	enum big_state big;
	struct event *next;
	const volatile float ratio;
	__u32 tail;
	__u64 eight;
	unsigned __int128 wide;
};

struct scalars scalars_value;
struct event event_value;
struct flow flow_value;
struct bits bits_value;
struct nested nested_value;
__u32 u32_value;
__s64 s64_value;
__be16 be16_value;
__be32 be32_value;
char string_value[16];
__u8 bytes_value[4];
_Bool bool_value;
enum state state_value;
struct event *pointer_value;
struct event *const *const_pointer_value;
char (*array_pointer_value)[16];
int (*function_pointer_value)(struct event *, const char *);
const char *const names_value[3];
struct in6_addr in6_value;
double double_value;
__int128 int128_value;
