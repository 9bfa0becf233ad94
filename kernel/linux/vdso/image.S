/* SPDX-License-Identifier: MIT
 *
 * The vDSO in the kernel's image: whole pages, which are mapped into programs where they lie.
 */
	.section .rodata
	.balign 4096
	.globl vdso_image, vdso_image_end
vdso_image:
	.incbin "vdso.so"
	.balign 4096
vdso_image_end:

	.section .note.GNU-stack,"",@progbits
