package inspect

//go:generate clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=. -I/usr/include/x86_64-linux-gnu -c testdata/code.bpf.c -o testdata/code.bpf.o
//go:generate llvm-strip -g testdata/code.bpf.o
