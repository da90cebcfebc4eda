#include "modes.h"

#include <fmt/format.h>

namespace crm::hammer {

Rounds::Rounds(Stage &stage)
    : stage_(stage), next_round_(stage.options.users, [this] { decide_about_next_round(); }),
      all_have_read_(stage.options.users)
{}

// Runs in one thread while all users wait.
void
Rounds::decide_about_next_round() noexcept
{
    ++round_;
    stage_.steps_done = round_;
    goes_on_ = !stage_.is_over() && (!stage_.options.rounds || round_ < *stage_.options.rounds);
}

void
Rounds::run(User &user)
{
    for (;;)
    {
        next_round_.arrive_and_wait();
        if (!goes_on_)
            return;

        const std::int64_t customer = stage_.customer(static_cast<std::size_t>(round_));
        const Attempt seen = user.read(customer);
        all_have_read_.arrive_and_wait();

        if (seen.answer_version)
            save_once_or_until_it_lands(user, customer, *seen.answer_version);
        else if (seen.is_done() || seen.outcome == "none")
            stage_.give_up(fmt::format("customer {} is gone: somebody else works on the driver's customers", customer));
    }
}

void
Rounds::save_once_or_until_it_lands(User &user, std::int64_t customer, ServerTime base)
{
    Attempt save;
    save.action = Action::save;
    save.customer = customer;
    save.base = base;
    save.status = user.unique("status");
    save.comment = user.unique("comment");
    save.author = user.author();

    // A refusal means that another user's save landed, and every user has one save.
    const int most_tries = 100 + 2 * stage_.options.users;

    for (int tries = 1; tries <= most_tries; ++tries)
    {
        const Attempt told = user.submit(save);
        if (stage_.options.mode == Mode::race || told.reply != Reply::answered || told.outcome != "conflict" ||
            !told.answer_version)
            return;
        save.base = *told.answer_version;
    }
    stage_.give_up(
        fmt::format("user {} did not land its save on customer {} in {} tries", user.index(), customer, most_tries));
}

void
Rounds::leave()
{
    next_round_.arrive_and_drop();
    all_have_read_.arrive_and_drop();
}

}  // namespace crm::hammer
