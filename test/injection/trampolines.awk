# Writes, for x86-64, a function crm_inject_NAME for each NAME that is read: it asks crm_inject_ask(NAME, where the call returns
# to, the caller's frame), which may raise, and goes on to NAME with all arguments as they came.
BEGIN {
    print "\t.text"
    general = split("rdi rsi rdx rcx r8 r9 rax", register, " ")
}
{
    n++
    printf "\t.globl crm_inject_%s\n\t.hidden crm_inject_%s\n\t.type crm_inject_%s, @function\n", $1, $1, $1
    printf "crm_inject_%s:\n\tendbr64\n", $1
    for (i = 1; i <= general; i++)
        printf "\tpushq %%%s\n", register[i]
    print "\tsubq $128, %rsp"
    for (i = 0; i < 8; i++)
        printf "\tmovups %%xmm%d, %d(%%rsp)\n", i, 16 * i
    printf "\tleaq name_%d(%%rip), %%rdi\n\tmovq 184(%%rsp), %%rsi\n\tmovq %%rbp, %%rdx\n\tcall crm_inject_ask@PLT\n", n
    for (i = 0; i < 8; i++)
        printf "\tmovups %d(%%rsp), %%xmm%d\n", 16 * i, i
    print "\taddq $128, %rsp"
    for (i = general; i >= 1; i--)
        printf "\tpopq %%%s\n", register[i]
    printf "\tjmp *%s@GOTPCREL(%%rip)\n", $1
    names = names sprintf("name_%d:\t.string \"%s\"\n", n, $1)
}
END {
    print "\t.section .rodata"
    printf "%s", names
    print "\t.section .note.GNU-stack, \"\", @progbits"
}
