#include "modes.h"

#include <algorithm>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

// How often each step is taken, of 100, where it is none of those that have options.
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

    if (stage_.target.keeps_deleted)
    {
        const Options &options = stage_.options;
        int rest = roll - options.lock_percent - options.batch_percent;
        if (rest < options.deletion_percent)
            return remove_seen_and_restore();
        rest -= options.deletion_percent;
        if (rest < options.undo_percent)
            return undo(customer);
        if (rest - options.undo_percent < options.correction_percent)
            return correct(customer);
    }

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
    if (lock.outcome == "locked" && stage_.target.keeps_deleted && user_.chance(40))
        return force_unlock(customer);
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

void
MixedUser::force_unlock(std::int64_t customer)
{
    Attempt asked;
    asked.action = Action::unlock;
    asked.customer = customer;
    asked.author = user_.author();
    asked.is_forced = true;
    user_.submit(asked);
    save(customer, true, false);
}

// Comments stay away where their customer is created again, so that only every tenth customer ever is: the others' must
// all be there.
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

    // What a plain DELETE took comes back as well.
    if (stage_.target.keeps_deleted && user_.chance(50))
    {
        restore(customer);
        return;
    }

    Attempt again;
    again.action = Action::insert;
    again.customer = customer;
    again.status = new_status();
    pages_.remember(user_.submit(again));
}

// Deletes the version of an open page, which may be stale by now.
void
MixedUser::remove_seen_and_restore()
{
    const std::size_t fifths = stage_.customer_count() / 5;
    if (fifths == 0)
        return;

    const std::int64_t customer = stage_.customer(5 * user_.below(fifths) + 4);
    const Page *page = user_.chance(60) ? pages_.look(customer) : pages_.open(customer);
    if (!page)
        return;
    Attempt removal;
    removal.action = Action::remove_seen;
    removal.customer = customer;
    removal.author = user_.author();
    removal.base = user_.chance(20) ? page->older_version.value_or(page->version) : page->version;
    if (user_.chance(60))
        removal.comment = new_comment();

    const auto send = [&] { return user_.chance(15) ? user_.submit_twice_at_once(removal) : user_.submit(removal); };
    Attempt told = send();
    for (int tries = 0; tries < 5 && told.outcome == "conflict" && told.answer_version; ++tries)
    {
        pages_.remember(told);
        removal.base = *told.answer_version;
        told = send();
    }
    if (told.reply != Reply::answered || (told.outcome != "deleted" && told.outcome != "replayed"))
        return;

    // Others meet the gap.
    if (user_.chance(50))
        pages_.look(some_customer());
    if (user_.chance(15))
        user_.submit(removal);
    restore(customer);
    if (user_.chance(15))
        user_.submit(removal);
}

void
MixedUser::restore(std::int64_t customer)
{
    Attempt asked;
    asked.action = Action::restore;
    asked.customer = customer;
    asked.author = user_.author();
    if (user_.chance(50))
        asked.comment = new_comment();
    if (user_.chance(15))
        user_.submit_twice_at_once(asked);
    else
        user_.submit(asked);
    pages_.look(customer);
}

void
MixedUser::undo(std::int64_t customer)
{
    Attempt look;
    look.action = Action::timeline;
    look.customer = customer;
    const Attempt timeline = user_.submit(look);
    if (timeline.versions.empty())
        return;

    const Page *page = user_.chance(70) ? pages_.look(customer) : pages_.open(customer);
    if (!page)
        return;
    Attempt asked;
    asked.action = Action::revert;
    asked.customer = customer;
    asked.author = user_.author();
    asked.base = page->version;
    asked.reverted = timeline.versions[user_.below(std::min<std::size_t>(timeline.versions.size(), 6))];
    asked.is_whole = user_.chance(20);
    if (user_.chance(40))
        asked.comment = new_comment();

    Attempt told = user_.chance(12) ? user_.submit_twice_at_once(asked) : user_.submit(asked);
    for (int tries = 0; tries < 5 && told.outcome == "conflict" && told.superseded.empty() && told.answer_version;
         ++tries)
    {
        pages_.remember(told);
        asked.base = *told.answer_version;
        told = user_.submit(asked);
    }
    pages_.remember(told);
    if (told.is_applied() && user_.chance(15))
        pages_.remember(user_.submit(asked));
}

// Corrects the latest comment as its author, or withdraws it.
void
MixedUser::correct(std::int64_t customer)
{
    const Page *page = user_.chance(60) ? pages_.look(customer) : pages_.open(customer);
    if (page && !page->latest_text)
        page = pages_.look(customer);
    if (!page || !page->latest_text)
        return;
    Attempt asked;
    asked.customer = customer;
    asked.author = *page->latest_author;
    asked.corrected = *page->latest_comment;
    if (user_.chance(15))
        asked.action = Action::withdraw;
    else
    {
        asked.action = Action::edit;
        asked.text_seen = page->latest_text;
        asked.new_text = user_.unique("corrected") + ": " + std::string(phrases[user_.below(std::size(phrases))]);
    }
    const Attempt told = user_.chance(20) ? user_.submit_twice_at_once(asked) : user_.submit(asked);
    if (told.outcome == "updated" && user_.chance(20))
        user_.submit(asked);
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
        // A whole merge group at once, where there is one.
        if (column == "phone" && user_.chance(50))
            save.fields["email"] = user_.unique("email");
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
