#include "user.h"

#include <algorithm>
#include <barrier>
#include <csignal>
#include <thread>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

std::atomic<bool> was_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

bool
is_serialization_failure(const Attempt &attempt)
{
    return attempt.reply == Reply::failed && attempt.sqlstate.substr(0, 2) == "40";
}

// One of several partitions cannot be reached, or cannot be asked now.
bool
is_unreached(const Attempt &attempt)
{
    return attempt.reply == Reply::failed &&
           (attempt.sqlstate == not_reached || attempt.sqlstate == "53300" || attempt.sqlstate == "57P03");
}

// The customer was deleted, with its comments, or came back, in between: an error that mixed provokes.
bool
is_expected_failure(const Attempt &attempt)
{
    const bool needs_other_rows = attempt.action == Action::comment || attempt.action == Action::add_comment ||
                                  (attempt.action == Action::save && attempt.reply_to);
    const bool inserts = attempt.action == Action::insert || attempt.action == Action::restore;
    return (needs_other_rows && attempt.sqlstate == "23503") || (inserts && attempt.sqlstate == "23505") ||
           (attempt.action == Action::revert && attempt.sqlstate == "22023");
}

// Whether sending it a second time does no more than sending it once.
bool
is_repeatable(const Attempt &attempt)
{
    switch (attempt.action)
    {
        case Action::read:
        case Action::save:
        case Action::add_comment:
        case Action::lock:
        case Action::unlock:
        case Action::remove_seen:
        case Action::restore:
        case Action::timeline:
        case Action::revert:
        case Action::edit:
        case Action::withdraw:
        case Action::check:
        case Action::locate:
        case Action::list_kept:
        case Action::resolve:
        case Action::discard:
            return true;
        default:
            return false;
    }
}

void
perform_alone(Session &session, std::vector<Attempt> &one)
{
    session.perform(one.front());
}

void
perform_batch(Session &session, std::vector<Attempt> &all)
{
    session.perform_batch(all);
}

std::vector<Attempt>
as_batch(std::vector<Attempt> saves)
{
    for (std::size_t i = 0; i < saves.size(); ++i)
    {
        saves[i].batch_size = static_cast<int>(saves.size());
        saves[i].batch_position = static_cast<int>(i) + 1;
    }
    return saves;
}

}  // namespace

void
end_at_signals()
{
    struct sigaction action = {};
    action.sa_handler = [](int) { was_interrupted = true; };
    action.sa_flags = SA_RESTART | SA_RESETHAND;
    for (const int signal : {SIGINT, SIGTERM})
        sigaction(signal, &action, nullptr);
}

Stage::Stage(const Options &stage_options, const Target &stage_target)
    : options(stage_options), target(stage_target), backends(static_cast<std::size_t>(stage_options.users) + 1)
{}

void
Stage::start()
{
    if (options.seconds)
        end_ = steady_now() + std::chrono::nanoseconds(std::chrono::seconds(*options.seconds)).count();
}

bool
Stage::is_over() const
{
    return has_failed_ || was_interrupted || (options.seconds && steady_now() >= end_);
}

void
Stage::give_up(const std::string &reason)
{
    const std::lock_guard lock(reason_mutex_);
    if (!has_failed_.exchange(true))
        reason_ = reason;
}

std::string
Stage::reason_for_giving_up() const
{
    const std::lock_guard lock(reason_mutex_);
    return reason_;
}

void
Stage::add_customer(std::int64_t id)
{
    const std::lock_guard lock(customers_mutex_);
    customers_.push_back(id);
}

std::int64_t
Stage::customer(std::size_t index) const
{
    const std::shared_lock lock(customers_mutex_);
    return customers_.at(index % customers_.size());
}

std::size_t
Stage::customer_count() const
{
    const std::shared_lock lock(customers_mutex_);
    return customers_.size();
}

std::vector<std::int64_t>
Stage::customers() const
{
    const std::shared_lock lock(customers_mutex_);
    return customers_;
}

User::User(Stage &stage, int index) : stage_(stage), index_(index), session_(stage.target)
{
    const Target &target = stage.target;
    // Those of every second user, where sessions say so themselves.
    const bool is_chosen = target.keeps_refused && stage.options.resolution_percent > 0 && index % 2 == 0;
    session_.keep_refused(target.is_proxy ? target.partitions_keep_refused : is_chosen);
    session_.open();
    std::seed_seq seed{static_cast<std::uint32_t>(stage.options.seed),
                       static_cast<std::uint32_t>(stage.options.seed >> 32), static_cast<std::uint32_t>(index)};
    random_.seed(seed);
    stage_.backends[static_cast<std::size_t>(index)] = session_.backend();
}

std::string
User::author() const
{
    return fmt::format("user {}", index_);
}

std::string
User::unique(std::string_view prefix)
{
    return fmt::format("{} {}.{}", prefix, index_, ++texts_);
}

bool
User::chance(int percent)
{
    return below(100) < static_cast<std::size_t>(percent);
}

std::size_t
User::below(std::size_t limit)
{
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
}

bool
User::reconnect(Session &session)
{
    // It was the proxy that lost a connection, or the next call makes it.
    if (stage_.target.partitions || (stage_.target.is_proxy && session.is_open()))
        return true;
    if (!session.reconnect())
    {
        stage_.give_up(
            fmt::format("user {} could not connect again within {} s", index_, stage_.options.timeout_seconds));
        return false;
    }
    if (&session == &session_)
        stage_.backends[static_cast<std::size_t>(index_)] = session.backend();
    return true;
}

std::vector<Attempt>
User::mine(const std::vector<Attempt> &asked) const
{
    std::vector<Attempt> attempts = asked;
    for (Attempt &attempt : attempts)
    {
        attempt.user = index_;
        attempt.keeps_refused = session_.keeps_refused();
    }
    return attempts;
}

template <typename Perform>
std::vector<Attempt>
User::submit_until_answered(const std::vector<Attempt> &asked, Perform perform)
{
    // Every serialization failure means that somebody else got on, so that nobody needs more tries for long.
    const int most_tries = 1000 + 10 * stage_.options.users;
    const auto timeout = std::chrono::seconds(stage_.options.timeout_seconds);
    std::optional<SteadyTime> away_since;
    auto pause = std::chrono::milliseconds(10);

    for (int tries = 1;; ++tries)
    {
        std::vector<Attempt> attempts = mine(asked);
        perform(session_, attempts);
        stage_.backends[static_cast<std::size_t>(index_)] = session_.backend();
        log_.insert(log_.end(), attempts.begin(), attempts.end());

        // All of them ended in the same way, but for those of other partitions, which the driver asked by itself.
        const auto unanswered = std::find_if(attempts.begin(), attempts.end(),
                                             [](const Attempt &attempt) { return attempt.reply != Reply::answered; });
        const Attempt &first = unanswered == attempts.end() ? attempts.front() : *unanswered;
        if (first.reply == Reply::answered || std::any_of(attempts.begin(), attempts.end(), is_expected_failure))
            return attempts;
        if (first.reply == Reply::in_doubt)
        {
            if (!reconnect(session_) || !is_repeatable(first))
                return attempts;
        }
        else if (!is_serialization_failure(first) && !(stage_.target.has_partitions() && is_unreached(first)))
        {
            stage_.give_up(fmt::format("unexpected error: {}", to_text(first)));
            return attempts;
        }
        if (stage_.target.has_partitions() && !is_serialization_failure(first))
        {
            away_since = away_since.value_or(first.sent);
            if (steady_now() - *away_since > std::chrono::nanoseconds(timeout).count())
            {
                stage_.give_up(fmt::format("no answer within {} s: {}", timeout.count(), to_text(first)));
                return attempts;
            }
            std::this_thread::sleep_for(pause);
            pause = std::min(2 * pause, std::chrono::milliseconds(200));
        }
        if (tries == most_tries)
        {
            stage_.give_up(fmt::format("no answer in {} tries: {}", tries, to_text(first)));
            return attempts;
        }
    }
}

Attempt
User::submit(const Attempt &asked)
{
    return submit_until_answered({asked}, perform_alone).front();
}

std::vector<Attempt>
User::submit_batch(const std::vector<Attempt> &asked)
{
    return submit_until_answered(as_batch(asked), perform_batch);
}

Attempt
User::submit_twice_at_once(const Attempt &asked)
{
    return submit_from_both({asked}, perform_alone).front();
}

std::vector<Attempt>
User::submit_batch_twice_at_once(const std::vector<Attempt> &asked)
{
    return submit_from_both(as_batch(asked), perform_batch);
}

template <typename Perform>
std::vector<Attempt>
User::submit_from_both(const std::vector<Attempt> &asked, Perform perform)
{
    if (!twin_)
    {
        twin_ = std::make_unique<Session>(stage_.target);
        twin_->keep_refused(session_.keeps_refused());
        reconnect(*twin_);
    }

    std::vector<Attempt> first = mine(asked);
    std::vector<Attempt> second = first;
    {
        std::barrier both(2);
        std::jthread thread([&] {
            both.arrive_and_wait();
            perform(*twin_, second);
        });
        both.arrive_and_wait();
        perform(session_, first);
    }
    log_.insert(log_.end(), first.begin(), first.end());
    log_.insert(log_.end(), second.begin(), second.end());

    if (second.front().reply == Reply::in_doubt)
        reconnect(*twin_);
    if (first.front().reply == Reply::in_doubt && !reconnect(session_))
        return first;
    const auto is_answered = [](const Attempt &attempt) { return attempt.reply == Reply::answered; };
    const bool are_answered =
        std::all_of(first.begin(), first.end(), is_answered) && std::all_of(second.begin(), second.end(), is_answered);
    return are_answered ? first : submit_until_answered(asked, perform);
}

Attempt
User::read(std::int64_t customer)
{
    Attempt asked;
    asked.action = Action::read;
    asked.customer = customer;
    return submit(asked);
}

const Page *
Pages::look(std::int64_t customer)
{
    remember(user_.read(customer));
    const auto page = pages_.find(customer);
    return page == pages_.end() ? nullptr : &page->second;
}

const Page *
Pages::open(std::int64_t customer)
{
    const auto page = pages_.find(customer);
    return page == pages_.end() ? look(customer) : &page->second;
}

std::optional<std::int64_t>
Pages::latest_comment(std::int64_t customer) const
{
    const auto page = pages_.find(customer);
    return page == pages_.end() ? std::nullopt : page->second.latest_comment;
}

void
Pages::remember(const Attempt &told)
{
    if (told.reply == Reply::failed)
        pages_.erase(told.customer);
    if (told.reply != Reply::answered)
        return;
    if (told.outcome == "none" || told.outcome == "gone" || told.outcome == "not_found" || !told.answer_version)
    {
        pages_.erase(told.customer);
        return;
    }

    Page &page =
        pages_.try_emplace(told.customer, Page{told.answer_status, *told.answer_version, {}, {}, {}, {}}).first->second;
    if (page.version != *told.answer_version)
        page = Page{told.answer_status,  *told.answer_version, page.version,
                    page.latest_comment, page.latest_author,   page.latest_text};
    if (told.action == Action::read)
    {
        page.latest_comment = told.latest_comment;
        page.latest_author = told.latest_author;
        page.latest_text = told.latest_text;
    }
    else if (told.answer_comment && page.latest_comment != told.answer_comment)
    {
        page.latest_comment = told.answer_comment;
        page.latest_author.reset();
        page.latest_text.reset();
    }
}

void
Pages::remember_comment(const Attempt &told)
{
    if (told.reply == Reply::failed)
        pages_.erase(told.customer);
    else if (const auto page = pages_.find(told.customer);
             page != pages_.end() && told.answer_comment && page->second.latest_comment != told.answer_comment)
    {
        page->second.latest_comment = told.answer_comment;
        page->second.latest_author = told.author;
        page->second.latest_text = told.comment;
    }
}

}  // namespace crm::hammer
