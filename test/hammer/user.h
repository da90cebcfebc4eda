#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "options.h"
#include "session.h"

namespace crm::hammer {

// From now on SIGINT or SIGTERM ends the run, which is then checked as any other; a second one ends the program.
void end_at_signals();

// What all users of a run share.
class Stage
{
public:
    Stage(const Options &stage_options, const Target &stage_target);

    const Options &options;
    const Target &target;

    // Steps done by all users, for the progress bar.
    std::atomic<std::int64_t> steps_done{0};

    // The users' backends by user, who are numbered from 1.
    std::vector<std::atomic<Backend>> backends;

    // Starts the clock that is_over() looks at.
    void start();

    // Whether the time is up, a signal came, or the run has failed.
    bool is_over() const;

    // Ends the run because it cannot go on; the first reason counts.
    void give_up(const std::string &reason);
    std::string reason_for_giving_up() const;

    // The customers of the run.
    void add_customer(std::int64_t id);
    std::int64_t customer(std::size_t index) const;
    std::size_t customer_count() const;
    std::vector<std::int64_t> customers() const;

private:
    std::atomic<SteadyTime> end_{0};
    std::atomic<bool> has_failed_{false};
    mutable std::mutex reason_mutex_;
    std::string reason_;
    mutable std::shared_mutex customers_mutex_;
    std::vector<std::int64_t> customers_;
};

// One user: a connection, a log, and a source of choices that depends on the seed alone.
class User
{
public:
    User(Stage &stage, int index);

    int index() const { return index_; }
    std::string author() const;

    // A text that nobody uses again in this run: it says whose save a row comes from.
    std::string unique(std::string_view prefix);

    // Sends and logs an attempt until it is answered: a serialization failure is tried again; after a lost connection
    // what may safely be repeated is asked again. Returns the last attempt.
    Attempt submit(const Attempt &asked);

    // The same from two connections at the same time, as a double click does; returns the first connection's answer.
    Attempt submit_twice_at_once(const Attempt &asked);

    // Saves that are sent as one batch.
    std::vector<Attempt> submit_batch(const std::vector<Attempt> &asked);
    std::vector<Attempt> submit_batch_twice_at_once(const std::vector<Attempt> &asked);

    Attempt read(std::int64_t customer);

    // True in so many of a hundred cases.
    bool chance(int percent);
    std::size_t below(std::size_t limit);
    std::mt19937_64 &random() { return random_; }

    std::vector<Attempt> &log() { return log_; }

private:
    bool reconnect(Session &session);
    template <typename Perform>
    std::vector<Attempt> submit_until_answered(const std::vector<Attempt> &asked, Perform perform);
    template <typename Perform>
    std::vector<Attempt> submit_from_both(const std::vector<Attempt> &asked, Perform perform);
    std::vector<Attempt> mine(const std::vector<Attempt> &asked) const;

    Stage &stage_;
    int index_;
    std::mt19937_64 random_;
    std::int64_t texts_ = 0;
    Session session_;
    std::unique_ptr<Session> twin_;
    std::vector<Attempt> log_;
};

// What a user has seen of a customer, as on a page left open.
struct Page
{
    std::optional<std::string> status;
    ServerTime version;
    std::optional<ServerTime> older_version;
    std::optional<std::int64_t> latest_comment;
    std::optional<std::string> latest_author;  // of the latest comment, where it was read
    std::optional<std::string> latest_text;
};

// The pages of one user, by customer.
class Pages
{
public:
    explicit Pages(User &user) : user_(user) {}

    // Reads the customer and returns its page; none where there is no such customer.
    const Page *look(std::int64_t customer);

    // The page as it was left open; the customer is read where there is none.
    const Page *open(std::int64_t customer);

    std::optional<std::int64_t> latest_comment(std::int64_t customer) const;

    // Takes over what an answer shows of the customer.
    void remember(const Attempt &told);

    // Takes over the id of a bare comment.
    void remember_comment(const Attempt &told);

private:
    User &user_;
    std::unordered_map<std::int64_t, Page> pages_;
};

}  // namespace crm::hammer
