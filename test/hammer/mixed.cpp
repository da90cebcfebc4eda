#include "modes.h"

#include <fmt/format.h>

namespace crm::hammer {

namespace {

// How often each step is taken, of 100, where it is neither a lock nor a batch.
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

constexpr std::size_t most_locked_saves = 20;
constexpr std::int64_t long_ttl = 10'000'000;

constexpr std::string_view statuses[] = {"new", "contacted", "qualified", "proposal", "won", "lost"};

}  // namespace

MixedUser::MixedUser(Stage &stage, User &user)
    : stage_(stage), user_(user), most_customers_(2 * static_cast<std::size_t>(stage.options.customers)), pages_(user)
{}

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
    if (!locked_saves_.empty() && user_.chance(20))
        return save_what_was_locked();

    const std::int64_t customer = some_customer();
    const int roll = static_cast<int>(user_.below(100));
    if (roll < stage_.options.lock_percent)
        return work_under_lock(customer);
    if (roll < stage_.options.lock_percent + stage_.options.batch_percent)
        return save_many();

    switch (std::discrete_distribution<int>(step_weights)(user_.random()))
    {
        case just_look:
            pages_.look(customer);
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
    const Page *page = looks_first ? pages_.look(customer) : pages_.open(customer);
    if (!page)
        return;

    const Attempt save = new_save(customer, *page, from_older_version);
    const Attempt told = user_.chance(12) ? user_.submit_twice_at_once(save) : user_.submit(save);
    pages_.remember(told);
    after_save(save, told);
}

// What a user does about the answer: nothing, click again, or try again from the row it was told.
void
MixedUser::after_save(Attempt save, Attempt told)
{
    if (told.reply != Reply::answered)
        return;
    if (told.outcome == "locked")
    {
        if (locked_saves_.size() < most_locked_saves)
            locked_saves_.push_back(save);
        return;
    }
    if (told.is_applied() || told.outcome == "replayed")
    {
        if (user_.chance(15))
            pages_.remember(user_.submit(save));
        return;
    }
    if (told.outcome != "conflict" || user_.chance(25))
        return;

    const Attempt first = save;
    if (user_.chance(30))
    {
        told = user_.chance(30) ? user_.submit_twice_at_once(save) : user_.submit(save);
        pages_.remember(told);
    }

    for (int tries = 0; tries < 50 && told.outcome == "conflict" && told.answer_version; ++tries)
    {
        save.base = *told.answer_version;
        told = user_.chance(10) ? user_.submit_twice_at_once(save) : user_.submit(save);
        pages_.remember(told);
    }

    if (told.outcome == "locked")
        return after_save(save, told);

    // A proxy repeats the refused save when a later one has landed already.
    if (user_.chance(20))
        pages_.remember(user_.submit(first));
}

void
MixedUser::save_what_was_locked()
{
    const Attempt save = locked_saves_.front();
    locked_saves_.pop_front();
    const Attempt told = user_.submit(save);
    pages_.remember(told);
    after_save(save, told);
}

// Some of the saves may be of the same customer.
void
MixedUser::save_many()
{
    const std::size_t count = 2 + user_.below(4);
    std::vector<Attempt> saves;
    for (std::size_t i = 0; i < count; ++i)
    {
        const std::int64_t customer = !saves.empty() && user_.chance(15) ? saves.back().customer : some_customer();
        if (const Page *page = user_.chance(60) ? pages_.look(customer) : pages_.open(customer))
            saves.push_back(new_save(customer, *page, user_.chance(10)));
    }
    if (saves.empty())
        return;

    std::vector<Attempt> told = user_.submit_batch(saves);
    if (told.front().reply == Reply::answered && user_.chance(10))
        told = user_.submit_batch(saves);
    for (const Attempt &one : told)
        pages_.remember(one);
    for (std::size_t i = 0; i < saves.size(); ++i)
        after_save(saves[i], told[i]);
}

void
MixedUser::work_under_lock(std::int64_t customer)
{
    const bool is_short = user_.chance(40);
    Attempt asked;
    asked.action = Action::lock;
    asked.customer = customer;
    asked.author = user_.author();
    asked.ttl = is_short ? 1000 * static_cast<std::int64_t>(5 + user_.below(200)) : long_ttl;
    const Attempt lock = user_.submit(asked);

    if (lock.outcome == "locked" && user_.chance(60))
        save(customer, true, false);
    if (!lock.has_lock())
        return;

    save(customer, true, false);
    asked.lock_id = lock.answer_lock_id;
    if (user_.chance(30))
    {
        if (!user_.submit(asked).has_lock())
            return;
        save(customer, user_.chance(50), false);
    }
    if (is_short && user_.chance(70))
        return;  // it expires

    Attempt release;
    release.action = Action::unlock;
    release.customer = customer;
    release.author = user_.author();
    release.lock_id = lock.answer_lock_id;
    user_.submit(release);
    if (user_.chance(10))
        user_.submit(release);
}

void
MixedUser::comment(std::int64_t customer)
{
    Attempt asked;
    const bool by_function = user_.chance(stage_.options.add_comment_percent);
    asked.action = by_function ? Action::add_comment : Action::comment;
    asked.customer = customer;
    asked.author = user_.author();
    asked.comment = new_comment();
    asked.reply_to = seen_comment(customer);
    const Attempt told = by_function && user_.chance(15) ? user_.submit_twice_at_once(asked) : user_.submit(asked);
    pages_.remember_comment(told);
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
        asked.fields["phone"] = user_.unique("+49 30");
    pages_.remember(user_.submit(asked));
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
        pages_.remember(told);
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
    const bool is_removed = told.is_done() || (told.reply == Reply::in_doubt && user_.read(customer).outcome == "none");
    if (!is_removed)
        return;

    // Others meet the gap.
    if (user_.chance(50))
        pages_.look(some_customer());

    Attempt again;
    again.action = Action::insert;
    again.customer = customer;
    again.status = new_status();
    pages_.remember(user_.submit(again));
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

    if (user_.chance(stage_.options.field_percent))
    {
        const std::string column(field_names[user_.below(std::size(field_names))]);
        save.fields[column] = user_.unique(column);
        if (user_.chance(60))
            save.status.reset();
    }
    if (save.comment)
        save.reply_to = seen_comment(customer);
    save.merge = user_.chance(stage_.options.merge_percent);
    return save;
}

// A comment to answer, if the next one is to be a reply.
std::optional<std::int64_t>
MixedUser::seen_comment(std::int64_t customer)
{
    const bool is_reply = user_.chance(stage_.options.reply_percent);
    return is_reply ? pages_.latest_comment(customer) : std::nullopt;
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

}  // namespace crm::hammer
