#pragma once

#include <barrier>
#include <deque>
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

// mixed: what one user does to many customers, step after step, by chance.
class MixedUser
{
public:
    MixedUser(Stage &stage, User &user);

    // In the user's own thread.
    void run();

private:
    void step();
    void save(std::int64_t customer, bool looks_first, bool from_older_version);
    void after_save(Attempt save, Attempt told);
    void save_what_was_locked();
    void save_many();
    void work_under_lock(std::int64_t customer);
    void comment(std::int64_t customer);
    void update(std::int64_t customer);
    void insert();
    void remove_and_bring_back();
    void remove_seen_and_restore();
    void restore(std::int64_t customer);
    void undo(std::int64_t customer);
    void correct(std::int64_t customer);
    void force_unlock(std::int64_t customer);
    void save_all_or_none();
    void settle_kept(std::int64_t customer);

    std::optional<std::int64_t> some_fifth();
    std::vector<std::int64_t> with_others(std::int64_t first, std::size_t count);
    void restore_deleted(const std::vector<Attempt> &told);
    std::vector<Attempt> new_items();
    int partition_of(std::int64_t customer);
    Attempt new_save(std::int64_t customer, const Page &page, bool from_older_version);
    std::string new_comment();
    std::string new_status();
    std::int64_t some_customer();
    std::optional<std::int64_t> seen_comment(std::int64_t customer);

    Stage &stage_;
    User &user_;
    std::size_t most_customers_;
    Pages pages_;
    std::deque<Attempt> locked_saves_;                  // to be sent again later
    std::unordered_map<std::int64_t, int> partitions_;  // where the customers are, through a proxy
};

}  // namespace crm::hammer
