#pragma once

#include <barrier>
#include <functional>

#include "user.h"

namespace crm::hammer {

// race and retry: round after round, all users read one version of one customer, wait for each other, and save at once.
class Rounds
{
public:
    explicit Rounds(Stage &stage);

    // What one user does, in its own thread.
    void run(User &user);

    // A user whose thread ends early; the others must not wait for it.
    void leave();

private:
    void save_once_or_until_it_lands(User &user, std::int64_t customer, ServerTime base);
    void decide_about_next_round() noexcept;

    Stage &stage_;
    std::int64_t round_ = -1;
    bool goes_on_ = true;
    std::barrier<std::function<void()>> next_round_;
    std::barrier<> all_have_read_;
};

}  // namespace crm::hammer
