//go:build !purego

#include "textflag.h"

// SHA-256 by FIPS 180-4 with the SHA instructions, whose use is described in
// https://www.intel.com/content/www/us/en/developer/articles/technical/intel-sha-extensions.html
//
// X1, X2 are the first state, X3, X4 the second, in the order that the
// instructions want (abef, cdgh). X5 to X8 are the last 16 words of the schedule,
// X0 four of them with their constants, X9 is scratch, X10 turns bytes around,
// X11 to X14 are the states before the block.

// func hasSHA() bool
TEXT ·hasSHA(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	MOVL $0, AX
	CPUID
	CMPL AX, $7
	JB   no
	MOVL $7, AX
	MOVL $0, CX
	CPUID
	BTL  $29, BX // SHA
	JAE  no
	MOVL $1, AX
	MOVL $0, CX
	CPUID
	BTL  $9, CX // SSSE3
	JAE  no
	BTL  $19, CX // SSE4.1
	JAE  no
	MOVB $1, ret+0(FP)

no:
	RET

// Four rounds of both states.
#define ROUNDS \
	SHA256RNDS2 X0, X1, X2; \
	SHA256RNDS2 X0, X3, X4; \
	PSHUFD $0x0e, X0, X0;   \
	SHA256RNDS2 X0, X2, X1; \
	SHA256RNDS2 X0, X4, X3

// Four words of the block.
#define LOAD(i, m) \
	MOVOU 16*i(SI), m; \
	PSHUFB X10, m;     \
	MOVOU 16*i(DX), X0; \
	PADDL m, X0

// Four words of the schedule, m, and the rest of the work for the four after
// them, next. prev are those before m.
#define WORDS(i, prev, m, next) \
	MOVOU 16*i(DX), X0;  \
	PADDL m, X0;         \
	MOVO  m, X9;         \
	PALIGNR $4, prev, X9; \
	PADDL X9, next;      \
	SHA256MSG2 m, next

// func twoBlocks(a, b *[8]uint32, p []byte)
TEXT ·twoBlocks(SB), NOSPLIT, $0-40
	MOVQ  a+0(FP), DI
	MOVQ  b+8(FP), R8
	MOVQ  p_base+16(FP), SI
	MOVQ  p_len+24(FP), CX
	SHRQ  $6, CX
	JZ    done
	LEAQ  constants<>(SB), DX
	MOVOU bigEndian<>(SB), X10

	// abcd efgh -> abef cdgh
	MOVOU (DI), X9
	MOVOU 16(DI), X2
	PSHUFD $0xb1, X9, X9
	PSHUFD $0x1b, X2, X2
	MOVO X9, X1
	PALIGNR $8, X2, X1
	PBLENDW $0xf0, X9, X2
	MOVOU (R8), X9
	MOVOU 16(R8), X4
	PSHUFD $0xb1, X9, X9
	PSHUFD $0x1b, X4, X4
	MOVO X9, X3
	PALIGNR $8, X4, X3
	PBLENDW $0xf0, X9, X4

loop:
	MOVO X1, X11
	MOVO X2, X12
	MOVO X3, X13
	MOVO X4, X14

	LOAD(0, X5)
	ROUNDS
	LOAD(1, X6)
	SHA256MSG1 X6, X5
	ROUNDS
	LOAD(2, X7)
	SHA256MSG1 X7, X6
	ROUNDS
	LOAD(3, X8)
	MOVO X8, X9
	PALIGNR $4, X7, X9
	PADDL X9, X5
	SHA256MSG2 X8, X5
	SHA256MSG1 X8, X7
	ROUNDS

	WORDS(4, X8, X5, X6)
	SHA256MSG1 X5, X8
	ROUNDS
	WORDS(5, X5, X6, X7)
	SHA256MSG1 X6, X5
	ROUNDS
	WORDS(6, X6, X7, X8)
	SHA256MSG1 X7, X6
	ROUNDS
	WORDS(7, X7, X8, X5)
	SHA256MSG1 X8, X7
	ROUNDS

	WORDS(8, X8, X5, X6)
	SHA256MSG1 X5, X8
	ROUNDS
	WORDS(9, X5, X6, X7)
	SHA256MSG1 X6, X5
	ROUNDS
	WORDS(10, X6, X7, X8)
	SHA256MSG1 X7, X6
	ROUNDS
	WORDS(11, X7, X8, X5)
	SHA256MSG1 X8, X7
	ROUNDS

	WORDS(12, X8, X5, X6)
	SHA256MSG1 X5, X8
	ROUNDS
	WORDS(13, X5, X6, X7)
	ROUNDS
	WORDS(14, X6, X7, X8)
	ROUNDS
	MOVOU 240(DX), X0
	PADDL X8, X0
	ROUNDS

	PADDL X11, X1
	PADDL X12, X2
	PADDL X13, X3
	PADDL X14, X4
	ADDQ $64, SI
	DECQ CX
	JNZ  loop

	// abef cdgh -> abcd efgh
	PSHUFD $0x1b, X1, X1
	PSHUFD $0xb1, X2, X2
	MOVO X1, X9
	PBLENDW $0xf0, X2, X1
	PALIGNR $8, X9, X2
	MOVOU X1, (DI)
	MOVOU X2, 16(DI)
	PSHUFD $0x1b, X3, X3
	PSHUFD $0xb1, X4, X4
	MOVO X3, X9
	PBLENDW $0xf0, X4, X3
	PALIGNR $8, X9, X4
	MOVOU X3, (R8)
	MOVOU X4, 16(R8)
done:
	RET

// Bytes of each word in reverse.
DATA bigEndian<>+0(SB)/8, $0x0405060700010203
DATA bigEndian<>+8(SB)/8, $0x0c0d0e0f08090a0b
GLOBL bigEndian<>(SB), RODATA|NOPTR, $16

// FIPS 180-4 section 4.2.2.
DATA constants<>+0(SB)/8, $0x71374491428a2f98
DATA constants<>+8(SB)/8, $0xe9b5dba5b5c0fbcf
DATA constants<>+16(SB)/8, $0x59f111f13956c25b
DATA constants<>+24(SB)/8, $0xab1c5ed5923f82a4
DATA constants<>+32(SB)/8, $0x12835b01d807aa98
DATA constants<>+40(SB)/8, $0x550c7dc3243185be
DATA constants<>+48(SB)/8, $0x80deb1fe72be5d74
DATA constants<>+56(SB)/8, $0xc19bf1749bdc06a7
DATA constants<>+64(SB)/8, $0xefbe4786e49b69c1
DATA constants<>+72(SB)/8, $0x240ca1cc0fc19dc6
DATA constants<>+80(SB)/8, $0x4a7484aa2de92c6f
DATA constants<>+88(SB)/8, $0x76f988da5cb0a9dc
DATA constants<>+96(SB)/8, $0xa831c66d983e5152
DATA constants<>+104(SB)/8, $0xbf597fc7b00327c8
DATA constants<>+112(SB)/8, $0xd5a79147c6e00bf3
DATA constants<>+120(SB)/8, $0x1429296706ca6351
DATA constants<>+128(SB)/8, $0x2e1b213827b70a85
DATA constants<>+136(SB)/8, $0x53380d134d2c6dfc
DATA constants<>+144(SB)/8, $0x766a0abb650a7354
DATA constants<>+152(SB)/8, $0x92722c8581c2c92e
DATA constants<>+160(SB)/8, $0xa81a664ba2bfe8a1
DATA constants<>+168(SB)/8, $0xc76c51a3c24b8b70
DATA constants<>+176(SB)/8, $0xd6990624d192e819
DATA constants<>+184(SB)/8, $0x106aa070f40e3585
DATA constants<>+192(SB)/8, $0x1e376c0819a4c116
DATA constants<>+200(SB)/8, $0x34b0bcb52748774c
DATA constants<>+208(SB)/8, $0x4ed8aa4a391c0cb3
DATA constants<>+216(SB)/8, $0x682e6ff35b9cca4f
DATA constants<>+224(SB)/8, $0x78a5636f748f82ee
DATA constants<>+232(SB)/8, $0x8cc7020884c87814
DATA constants<>+240(SB)/8, $0xa4506ceb90befffa
DATA constants<>+248(SB)/8, $0xc67178f2bef9a3f7
GLOBL constants<>(SB), RODATA|NOPTR, $256
