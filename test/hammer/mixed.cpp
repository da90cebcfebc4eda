#include "mixed.h"

#include <fmt/format.h>

namespace crm::hammer {

namespace {

// How often each step is taken, of 100.
enum Step
{
    just_look,
    save_after_looking,
    save_from_open_page,
    save_from_older_version,
    bare_comment,
    plain_update,
    new_customer,
    removal,
};

const std::initializer_list<double> step_weights{15, 25, 20, 10, 15, 13, 1, 1};

// Texts that quoting, encoding or a fixed buffer could damage.
constexpr std::string_view phrases[] = {
    "called back, wants an offer",
    "said \"maybe\" — it's O'Neill's decision",
    "C:\\temp\\offer.pdf, 50% off; DROP TABLE customers; -- $1 {} ''",
    "two\nlines\tand a tab",
    "привет, 你好, 👩‍💻🎉",
    " keeps its outer spaces ",
};

constexpr std::string_view statuses[] = {"new", "contacted", "qualified", "proposal", "won", "lost"};

}  // namespace

MixedUser::MixedUser(Stage &stage, User &user)
    : stage_(stage), user_(user), most_customers_(2 * static_cast<std::size_t>(stage.options.customers))
{
}

void
MixedUser::run()
{
    for (int steps = 0; !stage_.is_over() && (!stage_.options.rounds || steps < *stage_.options.rounds); ++steps)
    {
        step();
        ++stage_.steps_done;
    }
}

void
MixedUser::step()
{
    const std::int64_t customer = some_customer();

    if (user_.chance(stage_.options.lock_percent))
    {
        edit_under_lock(customer);
        return;
    }
    switch (std::discrete_distribution<int>(step_weights)(user_.random()))
    {
        case just_look:
            look(customer);
            return;
        case save_after_looking:
            save(customer, true, false);
            return;
        case save_from_open_page:
            save(customer, false, false);
            return;
        case save_from_older_version:
            save(customer, false, true);
            return;
        case bare_comment:
            comment(customer);
            return;
        case plain_update:
            update(customer);
            return;
        case new_customer:
            insert();
            return;
        case removal:
            remove_and_bring_back();
            return;
    }
}

void
MixedUser::save(std::int64_t customer, bool looks_first, bool from_older_version)
{
    const auto open = pages_.find(customer);
    const Page *page = looks_first || open == pages_.end() ? look(customer) : &open->second;
    if (!page)
        return;

    const Attempt save = new_save(customer, *page, from_older_version);
    const Attempt told = user_.chance(12) ? user_.submit_twice_at_once(save) : user_.submit(save);
    remember(told);
    after_save(save, told);
}

// What a user does about the answer: nothing, click again, or try again from the row it was told.
void
MixedUser::after_save(Attempt save, Attempt told)
{
    if (told.reply != Reply::answered)
        return;
    if (told.is_applied() || told.outcome == "replayed")
    {
        if (user_.chance(15))
            remember(user_.submit(save));
        return;
    }
    // Whoever is told of a lock waits, or clicks again.
    if (told.outcome == "locked" && user_.chance(50))
        told = user_.submit(save);
    remember(told);
    if (told.outcome != "conflict" || user_.chance(25))
        return;

    const Attempt first = save;
    if (user_.chance(30))
        remember(user_.chance(30) ? user_.submit_twice_at_once(save) : user_.submit(save));

    for (int tries = 0; tries < 50 && told.outcome == "conflict" && told.answer_version; ++tries)
    {
        save.base = *told.answer_version;
        told = user_.chance(10) ? user_.submit_twice_at_once(save) : user_.submit(save);
        remember(told);
    }

    // A proxy repeats the refused save when a later one has landed already.
    if (user_.chance(20))
        remember(user_.submit(first));
}

// What an edit dialogue does: locks, looks, saves and unlocks, or is left open until the lock expires.
void
MixedUser::edit_under_lock(std::int64_t customer)
{
    Attempt asked;
    asked.action = Action::lock;
    asked.customer = customer;
    asked.author = user_.author();
    asked.ttl_ms = user_.chance(70) ? 60'000 : 30;
    const Attempt lock = user_.submit(asked);
    if (!lock.holds_lock())
        return;
    save(customer, true, false);
    if (asked.ttl_ms < 1000 && user_.chance(50))
        return;

    Attempt release;
    release.action = Action::unlock;
    release.customer = customer;
    release.lock_id = lock.lock_id;
    user_.submit(release);
}

void
MixedUser::comment(std::int64_t customer)
{
    Attempt asked;
    asked.action = Action::comment;
    asked.customer = customer;
    asked.author = user_.author();
    asked.comment = new_comment();
    user_.submit(asked);
}

void
MixedUser::update(std::int64_t customer)
{
    Attempt asked;
    asked.action = Action::update;
    asked.customer = customer;
    if (user_.chance(60))
        asked.status = new_status();
    else
        asked.phone = user_.unique("+49 30");
    remember(user_.submit(asked));
}

void
MixedUser::insert()
{
    if (stage_.customer_count() >= most_customers_)
        return;

    Attempt asked;
    asked.action = Action::insert;
    asked.status = new_status();
    const Attempt told = user_.submit(asked);
    if (told.is_done())
    {
        stage_.add_customer(told.customer);
        remember(told);
    }
}

// Comments go with their customer, so that only every tenth customer is ever deleted: the others' must all be there.
void
MixedUser::remove_and_bring_back()
{
    const std::size_t tenths = stage_.customer_count() / 10;
    if (tenths == 0)
        return;

    const std::int64_t customer = stage_.customer(10 * user_.below(tenths) + 9);
    Attempt removal;
    removal.action = Action::remove;
    removal.customer = customer;
    const Attempt told = user_.submit(removal);
    const bool is_removed =
        told.is_done() || (told.reply == Reply::in_doubt && user_.read(customer).outcome == "none");
    if (!is_removed)
        return;

    // Others meet the gap.
    if (user_.chance(50))
        look(some_customer());

    Attempt again;
    again.action = Action::insert;
    again.customer = customer;
    again.status = new_status();
    remember(user_.submit(again));
}

Attempt
MixedUser::new_save(std::int64_t customer, const Page &page, bool from_older_version)
{
    Attempt save;
    save.action = Action::save;
    save.customer = customer;
    save.base = from_older_version ? page.older_version.value_or(page.version) : page.version;
    save.author = user_.author();

    const std::size_t kind = user_.below(100);
    if (kind < 4 && page.status)
        save.status = page.status;  // asks for what is there already
    else if (kind < 20)
        save.status = new_status();
    else if (kind < 40)
        save.comment = new_comment();
    else
    {
        save.status = new_status();
        save.comment = new_comment();
    }
    save.merge = user_.chance(stage_.options.merge_percent);
    if (user_.chance(stage_.options.merge_percent))
        save.phone = user_.unique("+49 40");
    return save;
}

std::string
MixedUser::new_comment()
{
    return user_.unique("comment") + ": " + std::string(phrases[user_.below(std::size(phrases))]);
}

std::string
MixedUser::new_status()
{
    return user_.unique(statuses[user_.below(std::size(statuses))]);
}

// A tenth of the customers gets a third of the work.
std::int64_t
MixedUser::some_customer()
{
    const std::size_t all = stage_.customer_count();
    return stage_.customer(user_.below(user_.chance(33) ? (all + 9) / 10 : all));
}

const MixedUser::Page *
MixedUser::look(std::int64_t customer)
{
    remember(user_.read(customer));
    const auto page = pages_.find(customer);
    return page == pages_.end() ? nullptr : &page->second;
}

void
MixedUser::remember(const Attempt &told)
{
    if (told.reply != Reply::answered)
        return;
    if (told.outcome == "none" || told.outcome == "deleted" || told.outcome == "not_found" || !told.answer_version)
    {
        pages_.erase(told.customer);
        return;
    }

    Page &page = pages_.try_emplace(told.customer, Page{told.answer_status, *told.answer_version, {}}).first->second;
    if (page.version != *told.answer_version)
        page = Page{told.answer_status, *told.answer_version, page.version};
}

}  // namespace crm::hammer
