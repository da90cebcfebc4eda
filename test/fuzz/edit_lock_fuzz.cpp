// The input says whether there is a lock, and whether it is live, the author's and the one offered, whether one is
// offered, and then names the customer and the holder.
#include "core/edit_lock.h"

#include "input.h"

using namespace crm;
using namespace crm::core;
using fuzz::Input;
using fuzz::require;

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    Input input{data, size};
    const bool is_held = input.yes();
    const HeldLock lock = {input.yes(), input.yes(), input.yes()};
    const bool offers_id = input.yes();
    const std::string_view customer = input.word(), holder = input.word();

    const std::optional<HeldLock> held = is_held ? std::optional{lock} : std::nullopt;
    const LockOutcome outcome = decide_lock(held, offers_id);
    const bool has_it = outcome == LockOutcome::acquired || outcome == LockOutcome::renewed;
    require(has_it == (http_status(outcome) == 200), "who has the lock is told so over HTTP");
    require(!has_it || !held || !held->is_live || held->is_by_author || (offers_id && held->has_id_offered),
            "a live lock is never given to another");
    require(outcome != LockOutcome::locked || (held && held->is_live && !held->is_by_author),
            "only a live lock refuses");
    require((outcome == LockOutcome::lost) == (offers_id && !(held && held->has_id_offered)),
            "a lock is lost where the one offered is not there");
    require(outcome != LockOutcome::acquired || !offers_id, "who offers a lock gets no other");
    if (has_it)
        require(decide_lock(HeldLock{true, true, true}, true) == LockOutcome::renewed &&
                    decide_lock(HeldLock{true, true, false}, false) == LockOutcome::renewed,
                "who has the lock can renew it");

    const std::string row = "customer " + std::string{customer};
    const std::string message = lock_message(outcome, row, holder);
    require(message.ends_with('.') && message.find(customer) != message.npos,
            "a message is a sentence about the customer");
    require((outcome != LockOutcome::locked && outcome != LockOutcome::lost) || message.find(holder) != message.npos,
            "who holds the lock is named");
    require(!name(outcome).empty(), "an outcome has a name");
    return 0;
}
