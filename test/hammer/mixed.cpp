#include "modes.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

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
        rest -= options.undo_percent;
        if (rest < options.correction_percent)
            return correct(customer);
        rest -= options.correction_percent;
        if (rest < options.all_or_nothing_percent && stage_.target.makes_all_or_none)
            return save_all_or_none();
        rest -= options.all_or_nothing_percent;
        if (rest >= 0 && rest < options.resolution_percent && stage_.target.keeps_refused)
            return settle_kept(customer);
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
    const auto fifth = some_fifth();
    if (!fifth)
        return;
    const std::int64_t customer = *fifth;
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

// Where the customer is; without a proxy all are in one place.
int
MixedUser::partition_of(std::int64_t customer)
{
    if (stage_.target.partitions)
        return stage_.target.partitions.of(customer);
    if (!stage_.target.is_proxy)
        return 0;
    const auto known = partitions_.find(customer);
    if (known != partitions_.end())
        return known->second;
    Attempt asked;
    asked.action = Action::locate;
    asked.customer = customer;
    const Attempt told = user_.submit(asked);
    if (told.is_done())
        partitions_[customer] = told.partition;
    return told.partition;
}

// One of those that are deleted and restored.
std::optional<std::int64_t>
MixedUser::some_fifth()
{
    const std::size_t fifths = stage_.customer_count() / 5;
    return fifths == 0 ? std::nullopt : std::optional(stage_.customer(5 * user_.below(fifths) + 4));
}

// Different customers of one partition, or fewer where there are not that many.
std::vector<std::int64_t>
MixedUser::with_others(std::int64_t first, std::size_t count)
{
    std::vector<std::int64_t> customers{first};
    for (std::size_t tries = 0; tries < 20 * count && customers.size() < count; ++tries)
        if (const std::int64_t customer = some_customer();
            std::find(customers.begin(), customers.end(), customer) == customers.end() &&
            partition_of(customer) == partition_of(first))
            customers.push_back(customer);
    return customers;
}

// Two or three saves, a check, and sometimes a deletion, in any order; some from stale versions.
std::vector<Attempt>
MixedUser::new_items()
{
    std::vector<Attempt> items;
    bool has_check = false;
    const auto deleted = user_.chance(25) ? some_fifth() : std::nullopt;
    for (const std::int64_t customer : with_others(deleted.value_or(some_customer()), 3 + user_.below(2)))
    {
        const Page *page = user_.chance(80) ? pages_.look(customer) : pages_.open(customer);
        if (!page)
            continue;
        Attempt item = new_save(customer, *page, user_.chance(6));
        const bool is_check = customer != deleted && !has_check;
        if (is_check || customer == deleted)
        {
            Attempt other;
            other.action = is_check ? Action::check : Action::remove_seen;
            other.customer = customer;
            other.base = item.base;
            if (!is_check)
            {
                other.author = item.author;
                other.comment = item.comment;
            }
            item = other;
            has_check |= is_check;
        }
        item.all_or_nothing = true;
        items.push_back(item);
    }
    std::shuffle(items.begin(), items.end(), user_.random());
    return items;
}

// What was stale is tried again from the rows that the answer shows, with the rest as it was.
void
MixedUser::save_all_or_none()
{
    std::vector<Attempt> items = new_items();
    const std::vector<Attempt> first = items;
    for (int tries = 0; tries < 10 && !items.empty(); ++tries)
    {
        const std::vector<Attempt> told =
            user_.chance(12) ? user_.submit_batch_twice_at_once(items) : user_.submit_batch(items);
        if (told.front().reply != Reply::answered)
            return;
        bool is_refused = false;
        std::vector<Attempt> next;
        for (std::size_t i = 0; i < items.size(); ++i)
        {
            if (told[i].outcome != "deleted")
                pages_.remember(told[i]);
            is_refused |= told[i].outcome == "conflict" || told[i].outcome == "locked" || told[i].outcome == "gone";
            if (told[i].outcome == "gone" || told[i].outcome == "locked")
                continue;
            next.push_back(items[i]);
            if (told[i].outcome == "conflict" && told[i].answer_version)
                next.back().base = *told[i].answer_version;
        }
        if (!is_refused)
        {
            if (user_.chance(15))
                user_.submit_batch(items);
            restore_deleted(told);
            break;
        }
        if (user_.chance(20))
            break;
        items = std::move(next);
    }
    // A proxy repeats the refused ones when later ones have landed already.
    if (!first.empty() && user_.chance(10))
        restore_deleted(user_.submit_batch(first));
}

void
MixedUser::restore_deleted(const std::vector<Attempt> &told)
{
    for (const Attempt &item : told)
        if (item.action == Action::remove_seen && (item.outcome == "deleted" || item.outcome == "replayed"))
            restore(item.customer);
}

// Resolves or discards a refused save of a customer, the user's own or another's.
void
MixedUser::settle_kept(std::int64_t customer)
{
    Attempt asked;
    asked.action = Action::list_kept;
    asked.customer = customer;
    if (user_.chance(50))
        asked.author = user_.author();
    const Attempt list = user_.submit(asked);
    if (list.waiting.empty())
        return;

    const KeptSave &kept = list.waiting[user_.below(std::min<std::size_t>(list.waiting.size(), 4))];
    asked.kept_save = kept.id;
    asked.partition = kept.partition;
    asked.author = kept.author;
    if (user_.chance(20))
    {
        asked.action = Action::discard;
        if (user_.chance(15))
            user_.submit_twice_at_once(asked);
        else
            user_.submit(asked);
        return;
    }

    const Page *page = user_.chance(70) ? pages_.look(customer) : pages_.open(customer);
    if (!page)
        return;
    asked.action = Action::resolve;
    asked.base = page->version;
    const int mine = user_.chance(15) ? 0 : 70;
    std::vector<std::string> choices;
    const auto choose = [&](const std::string &column) {
        const bool is_mine = user_.chance(mine);
        choices.push_back(fmt::format(R"("{}": "{}")", column, is_mine ? "mine" : "theirs"));
        return is_mine;
    };
    if (kept.status && choose("status"))
        asked.status = kept.status;
    for (const auto &[column, value] : kept.fields)
        if (choose(column))
            asked.fields[column] = value.value_or("");
    asked.choices = fmt::format("{{{}}}", fmt::join(choices, ", "));
    if (user_.chance(40))
        asked.comment = new_comment();
    asked.is_author_told = user_.chance(30);
    if (asked.is_author_told)
        asked.author = user_.author();

    const auto send = [&] { return user_.chance(12) ? user_.submit_twice_at_once(asked) : user_.submit(asked); };
    Attempt told = send();
    for (int tries = 0; tries < 5 && told.outcome == "conflict" && told.answer_version; ++tries)
    {
        pages_.remember(told);
        asked.base = *told.answer_version;
        told = send();
    }
    if (told.outcome != "gone")
        pages_.remember(told);
    if (told.is_applied() && user_.chance(20))
        pages_.remember(user_.submit(asked));
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
