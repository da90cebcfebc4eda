#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "partitions.h"

namespace crm::hammer {

enum class Mode
{
    race,
    retry,
    mixed,
};

std::string_view name(Mode mode);

// What the command line asks for.
struct Options
{
    std::string dsn;
    std::string check_dsn;
    std::string partitions_file;
    Mode mode = Mode::race;
    int users = 30;
    int customers = 1;
    std::optional<int> rounds;
    std::optional<int> seconds;
    std::uint64_t seed = 0;
    std::string function = "crm_update_customer";
    int timeout_seconds = 60;
    int breaks_per_second = 0;

    // mixed: how often, of 100.
    int lock_percent = 6;
    int batch_percent = 4;
    int merge_percent = 35;
    int field_percent = 40;
    int reply_percent = 25;
    int add_comment_percent = 50;
    int deletion_percent = 3;
    int undo_percent = 7;
    int correction_percent = 7;
    int all_or_nothing_percent = 4;
    int resolution_percent = 4;

    std::string json_file;
};

// Where the users connect to and what they call there.
struct Target
{
    std::string dsn;
    std::string function;  // a quoted name, safe to put into SQL
    int timeout_seconds;
    Partitions partitions;           // where the driver itself chooses the database of each customer
    bool is_proxy = false;           // of several databases, which have the tables (scale/proxy.sql)
    bool keeps_deleted = false;      // version 1.1: deleted customers, earlier texts of comments, and merge groups
    bool makes_all_or_none = false;  // version 1.1: crm_update_records
    bool keeps_refused = false;      // version 1.1: refused saves whole, in sessions that are set so
    bool partitions_keep_refused = false;  // the sessions of a proxy are set so, in all partitions

    // There are several databases, each of which can be away while the others answer.
    bool has_partitions() const { return is_proxy || partitions; }
};

// Why a run could not be done, as one sentence for people.
struct CannotRun : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

// Reads the command line. An exit code where the program is done already (--help, a mistake).
std::optional<int> parse_options(int argc, char **argv, Options &options);

}  // namespace crm::hammer
