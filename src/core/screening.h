#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "timestamp.h"

// Whether anything may be wrong with the rows of a customer, from one look at each of them.
namespace crm::core {

// What is stored of a customer; a time or number is empty where it is NULL.
struct StoredCustomer
{
    std::optional<Timestamp> version;
    std::optional<std::string_view> status;
};

struct StoredComment
{
    std::optional<std::int64_t> id;
    std::optional<std::int64_t> reply_to;
    bool save_refused;
    std::optional<Timestamp> adopted_version;
    std::optional<std::int64_t> refusal;  // equal for equal pairs of refused_request and based_on
};

struct StoredChange
{
    std::optional<Timestamp> version;
    std::optional<Timestamp> previous;
    bool is_deletion;
    std::optional<std::string_view> status_from;
    std::optional<std::string_view> status_to;
    std::optional<std::int64_t> comment_id;
    std::optional<std::int64_t> request;  // equal for equal pairs of request and based_on
    bool earlier_pruned;
};

// Numbers of one customer, as many as there is room for.
class RememberedNumbers
{
public:
    static constexpr std::size_t room = 65'536;

    void clear() { count = 0; }
    std::int64_t *begin() { return numbers.data(); }
    std::int64_t *end() { return begin() + count; }

    // False where there is no room.
    bool add(std::int64_t number)
    {
        if (count == room)
            return false;
        numbers[count++] = number;
        return true;
    }

    bool has_duplicates()
    {
        if (count < 2)
            return false;
        std::sort(begin(), end());
        return std::adjacent_find(begin(), end()) != end();
    }

private:
    std::size_t count;
    std::array<std::int64_t, room> numbers;
};

// Looks at the rows of one customer after the other: its row, then its comments by id, then its changes by version.
// Whoever breaks an invariant is suspect. Some others are, too: who has more rows than are remembered, for one.
class Screening
{
public:
    // The next customer.
    void begin();

    void add(const StoredCustomer &row);
    void add(const StoredComment &comment);

    // Its status_to must be there until the next change was added, and those of the customer until end().
    void add(const StoredChange &change);

    // Whether the customer is suspect.
    bool end();

private:
    void suspect_unless(bool is_well) { is_suspect = is_suspect || !is_well; }
    void begin_changes(Timestamp oldest);
    void look_for_adoptions_before(Timestamp version);

    bool is_suspect;
    bool lacks_comment;  // a change since the last deletion does
    std::optional<StoredCustomer> customer;
    std::optional<StoredChange> last;
    RememberedNumbers comments;  // in order
    RememberedNumbers refusals;
    RememberedNumbers requests;
    RememberedNumbers adoptions;   // times; in order once there are changes
    const std::int64_t *adoption;  // the first whose version was not reached
};

}  // namespace crm::core
