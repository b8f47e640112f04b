package attach_test

//go:generate -command bpf clang -target bpf -D__TARGET_ARCH_x86 -I/usr/include/x86_64-linux-gnu -mcpu=v3 -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=.
//go:generate bpf -c testdata/every.bpf.c -o testdata/every.bpf.o
//go:generate bpf -c testdata/extend.bpf.c -o testdata/extend.bpf.o
//go:generate bpf -c testdata/replace.bpf.c -o testdata/replace.bpf.o
//go:generate bpf -c testdata/scheduler.bpf.c -o testdata/scheduler.bpf.o
//go:generate bpf -c testdata/structops.bpf.c -o testdata/structops.bpf.o
//go:generate bpf -c testdata/usdt.bpf.c -o testdata/usdt.bpf.o
//go:generate llvm-strip -g testdata/every.bpf.o testdata/extend.bpf.o testdata/replace.bpf.o testdata/scheduler.bpf.o testdata/structops.bpf.o testdata/usdt.bpf.o
//go:generate clang -target x86_64-linux-gnu -O1 -fno-pic -nostdlib -static -fno-asynchronous-unwind-tables -Wl,--build-id=none testdata/probed.c -o testdata/probed
//go:generate strip -g testdata/probed
