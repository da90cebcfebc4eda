// Replaces operator new and delete in the whole server: counts, and fails where it is told to.
#include <cstdint>
#include <cstdlib>
#include <new>

extern "C" {
bool (*crm_new_fails)(void *return_address, std::int64_t number) = nullptr;
std::int64_t crm_new_live = 0;
std::int64_t crm_new_count = 0;
}

void *
operator new(std::size_t size)
{
    if (crm_new_fails != nullptr && crm_new_fails(__builtin_return_address(0), ++crm_new_count))
        throw std::bad_alloc{};
    void *memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr)
        throw std::bad_alloc{};
    ++crm_new_live;
    return memory;
}

void
operator delete(void *memory) noexcept
{
    if (memory != nullptr)
        --crm_new_live;
    std::free(memory);
}

void
operator delete(void *memory, std::size_t) noexcept
{
    operator delete(memory);
}
