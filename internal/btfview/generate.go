package btfview

//go:generate clang -g -O2 -target bpfel -fdebug-prefix-map=$PWD=. -c testdata/types.bpf.c -o testdata/types.bpf.o
//go:generate llvm-strip -g testdata/types.bpf.o
