#include "workload.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "modes.h"

namespace crm::hammer {

namespace {

// Ends the users' connections at random, so that answers are lost.
void
break_connections(const std::stop_token &stop, Stage &stage)
{
    Session session(stage.target);
    std::mt19937_64 random(stage.options.seed);
    std::uniform_int_distribution<std::size_t> any_user(1, stage.backends.size() - 1);
    bool is_connected = session.reconnect();

    while (is_connected && !stop.stop_requested())
    {
        std::this_thread::sleep_for(std::chrono::microseconds(1'000'000 / stage.options.breaks_per_second));
        try
        {
            session.terminate(stage.backends[any_user(random)]);
        }
        catch (const std::exception &e)
        {
            if (session.is_open())
                return stage.give_up(fmt::format("could not break connections: {}", e.what()));
            is_connected = session.reconnect();
        }
    }
    if (!is_connected)
        stage.give_up("could not connect again to break connections");
}

std::vector<std::unique_ptr<User>>
connect_users(Stage &stage)
{
    std::vector<std::unique_ptr<User>> users;
    for (int i = 1; i <= stage.options.users; ++i)
    {
        try
        {
            users.push_back(std::make_unique<User>(stage, i));
        }
        catch (const CannotRun &e)
        {
            throw CannotRun(fmt::format("user {} of {}: {}", i, stage.options.users, e.what()));
        }
    }
    return users;
}

// The customers of the run, logged as user 0's.
void
make_customers(Stage &stage, User &user)
{
    for (int i = 0; i < stage.options.customers; ++i)
    {
        Attempt asked;
        asked.action = Action::insert;
        asked.status = user.unique("new");
        const Attempt told = user.submit(asked);
        if (!told.is_done())
            throw CannotRun(fmt::format("could not make customers: {}", told.error));
        stage.add_customer(told.customer);
    }
}

constexpr int width = 40;

void
draw(double done, const std::string &note)
{
    const int filled = static_cast<int>(std::clamp(done, 0.0, 1.0) * width);
    fmt::print(stderr, "\r\033[K[{:#<{}}{:.<{}}] {:3.0f} %  {}", "", filled, "", width - filled,
               std::clamp(done, 0.0, 1.0) * 100, note);
    std::fflush(stderr);
}

// A progress bar on standard error where that is a terminal, and nothing elsewhere.
class Progress
{
public:
    // done says how far it is, from 0 to 1; note is shown beside the bar.
    Progress(std::function<double()> done, std::function<std::string()> note)
    {
        if (!isatty(STDERR_FILENO))
            return;

        thread_ = std::jthread([done = std::move(done), note = std::move(note)](const std::stop_token &stop) {
            while (!stop.stop_requested())
            {
                draw(done(), note());
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
            }
            fmt::print(stderr, "\r\033[K");
        });
    }

private:
    std::jthread thread_;
};

std::string
describe_progress(const Stage &stage)
{
    return fmt::format("{} {}", stage.steps_done.load(), stage.options.mode == Mode::mixed ? "steps" : "rounds");
}

double
measure_progress(const Stage &stage, SteadyTime start)
{
    if (stage.options.seconds)
        return static_cast<double>(steady_now() - start) / (*stage.options.seconds * 1e9);
    const double users = stage.options.mode == Mode::mixed ? stage.options.users : 1;
    return static_cast<double>(stage.steps_done) / (*stage.options.rounds * users);
}

}  // namespace

Run
run_workload(const Options &options, const Target &target)
{
    Stage stage(options, target);
    const std::vector<std::unique_ptr<User>> users = connect_users(stage);
    make_customers(stage, *users.front());

    Rounds rounds(stage);
    const auto work = [&](User &user) {
        const bool is_mixed = options.mode == Mode::mixed;
        try
        {
            if (is_mixed)
                MixedUser(stage, user).run();
            else
                rounds.run(user);
        }
        catch (const std::exception &e)
        {
            stage.give_up(fmt::format("user {}: {}", user.index(), e.what()));
            if (!is_mixed)
                rounds.leave();
        }
    };

    const SteadyTime start = steady_now();
    end_at_signals();
    stage.start();
    {
        const Progress progress([&] { return measure_progress(stage, start); },
                                [&] { return describe_progress(stage); });
        std::jthread breaker;
        if (options.breaks_per_second > 0)
            breaker = std::jthread([&](const std::stop_token &stop) { break_connections(stop, stage); });

        std::vector<std::jthread> threads;
        threads.reserve(users.size());
        for (const auto &user : users)
            threads.emplace_back([&work, &user] { work(*user); });
    }

    Run run;
    run.start = start;
    run.seconds = static_cast<double>(steady_now() - start) / 1e9;
    run.steps = stage.steps_done;
    run.customers = stage.customers();
    run.problem = stage.reason_for_giving_up();
    for (const auto &user : users)
        run.log.insert(run.log.end(), std::make_move_iterator(user->log().begin()),
                       std::make_move_iterator(user->log().end()));
    return run;
}

}  // namespace crm::hammer
