/*
 * In the place of valgrind's header: what PostgreSQL tells valgrind of its memory, it tells AddressSanitizer. Of the
 * blocks that a memory context has from malloc(), nothing can be reached but the pieces that were given out, and of
 * the shared buffers nothing but the pages that a process has pinned. AddressSanitizer does not ask whether a value
 * was ever set.
 */
#ifndef CRM_VALGRIND_MEMCHECK_H
#define CRM_VALGRIND_MEMCHECK_H

#include <sanitizer/asan_interface.h>

#define VALGRIND_MAKE_MEM_NOACCESS(address, size) __asan_poison_memory_region(address, size)
#define VALGRIND_MAKE_MEM_UNDEFINED(address, size) __asan_unpoison_memory_region(address, size)
#define VALGRIND_MAKE_MEM_DEFINED(address, size) __asan_unpoison_memory_region(address, size)
#define VALGRIND_MEMPOOL_ALLOC(pool, address, size) __asan_unpoison_memory_region(address, size)

/* A freed piece was made NOACCESS when it was overwritten: wipe_mem(). */
#define VALGRIND_MEMPOOL_FREE(pool, address) ((void)0)
/* Of what is resized PostgreSQL says itself what can be reached. */
#define VALGRIND_MEMPOOL_CHANGE(pool, old_address, address, size) ((void)0)
/* The blocks are malloc()'s. */
#define VALGRIND_CREATE_MEMPOOL(pool, redzones, zeroed) ((void)0)
#define VALGRIND_DESTROY_MEMPOOL(pool) ((void)0)
#define VALGRIND_CHECK_MEM_IS_DEFINED(address, size) ((void)0)

#endif
