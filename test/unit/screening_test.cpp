#include "core/screening.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "core/version.h"

namespace crm::core {

namespace {

constexpr Timestamp first{820'490'853 * second};

constexpr Timestamp
version_of(int n)
{
    return {first.us + n * second};
}

// The rows of a customer.
struct Rows
{
    std::vector<StoredCustomer> customers;
    std::vector<StoredComment> comments;
    std::vector<StoredChange> changes;
};

StoredChange
change(int n)
{
    return {.version = version_of(n),
            .previous = n == 0 ? std::nullopt : std::optional{version_of(n - 1)},
            .is_deletion = false,
            .status_from = n == 0 ? std::nullopt : std::optional<std::string_view>{"new"},
            .status_to = "new",
            .comment_id = std::nullopt,
            .request = 100 + n,
            .earlier_pruned = false};
}

StoredComment
comment(std::int64_t id)
{
    return {.id = id,
            .reply_to = std::nullopt,
            .save_refused = false,
            .adopted_version = std::nullopt,
            .refusal = std::nullopt};
}

// Four changes with three comments: said with a save, refused and then adopted, a reply to the first.
Rows
well()
{
    Rows rows = {{{.version = version_of(3), .status = "new"}},
                 {comment(11), comment(12), comment(13)},
                 {change(0), change(1), change(2), change(3)}};
    rows.comments[1].refusal = 7;
    rows.comments[1].adopted_version = version_of(2);
    rows.comments[2].reply_to = 11;
    rows.changes[1].comment_id = 11;
    rows.changes[2].comment_id = 12;
    return rows;
}

class ScreeningTest : public testing::Test
{
protected:
    bool is_suspect(const Rows &rows)
    {
        screening->begin();
        for (const StoredCustomer &row : rows.customers)
            screening->add(row);
        for (const StoredComment &row : rows.comments)
            screening->add(row);
        for (const StoredChange &row : rows.changes)
            screening->add(row);
        return screening->end();
    }

    bool is_suspect_after(const std::function<void(Rows &)> &fault)
    {
        Rows rows = well();
        fault(rows);
        return is_suspect(rows);
    }

    std::unique_ptr<Screening> screening = std::make_unique<Screening>();
};

TEST_F(ScreeningTest, NothingIsWrong)
{
    EXPECT_FALSE(is_suspect({}));
    EXPECT_FALSE(is_suspect(well()));
    EXPECT_FALSE(is_suspect_after([](Rows &rows) { rows.changes.clear(); })) << "attached later";
    EXPECT_FALSE(is_suspect_after([](Rows &rows) {
        rows.changes.erase(rows.changes.begin(), rows.changes.begin() + 3);
        rows.changes[0].earlier_pruned = true;
    })) << "pruned, with what adopted a comment";
    EXPECT_FALSE(is_suspect_after([](Rows &rows) {
        rows.customers.clear();
        rows.comments.clear();
        rows.changes[3].is_deletion = true;
    })) << "deleted with its comments";
    EXPECT_FALSE(is_suspect_after([](Rows &rows) {
        rows.comments.clear();
        rows.changes[2] = change(2);
        rows.changes[2].is_deletion = true;
    })) << "deleted and inserted again";
    EXPECT_FALSE(is_suspect_after([](Rows &rows) {
        rows.customers[0].status.reset();
        rows.changes[3].status_to.reset();
    })) << "without a status";
}

TEST_F(ScreeningTest, OneCustomerAfterTheOther)
{
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.customers.clear(); }));
    EXPECT_FALSE(is_suspect(well()));
    EXPECT_FALSE(is_suspect({}));
    EXPECT_FALSE(is_suspect(well()));
}

TEST_F(ScreeningTest, TheCustomer)
{
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.customers.push_back(rows.customers[0]); })) << "twice";
    for (const std::optional<Timestamp> wrong :
         {std::optional<Timestamp>{}, std::optional{infinity}, std::optional{minus_infinity},
          std::optional{shifted(first_possible_version, -1)}, std::optional{shifted(last_possible_version, 1)}})
    {
        EXPECT_TRUE(is_suspect_after([&](Rows &rows) { rows.customers[0].version = wrong; }));
        EXPECT_TRUE(is_suspect({{{.version = wrong, .status = "new"}}, {}, {}})) << "without a history";
    }
}

TEST_F(ScreeningTest, TheLastChange)
{
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.customers[0].version = version_of(4); }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.customers[0].status = "other"; }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.customers[0].status.reset(); }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[3].is_deletion = true; }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) {
        rows.customers.clear();
        rows.comments.clear();
    }));
}

TEST_F(ScreeningTest, TheChain)
{
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes.erase(rows.changes.begin() + 2); })) << "a gap";
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[2].previous.reset(); }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[2].previous = version_of(0); })) << "two successors";
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[2].earlier_pruned = true; }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[2].status_from = "other"; }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[2].status_to.reset(); }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[0].previous = version_of(0); }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[0].version.reset(); }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[0].version = minus_infinity; }));
}

TEST_F(ScreeningTest, LessThanAMillisecond)
{
    const auto last_after = [](Microseconds after) {
        return [after](Rows &rows) {
            rows.changes[3].version = shifted(version_of(2), after);
            rows.customers[0].version = rows.changes[3].version;
        };
    };
    EXPECT_FALSE(is_suspect_after(last_after(millisecond)));
    EXPECT_TRUE(is_suspect_after(last_after(millisecond - 1)));
}

TEST_F(ScreeningTest, Comments)
{
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.customers.clear(); }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.comments.erase(rows.comments.begin() + 1); })) << "of a change";
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.comments.erase(rows.comments.begin()); })) << "of a reply";
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.comments[2].reply_to = 13; })) << "to itself";
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.comments[1].reply_to = 13; })) << "to a later one";
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.comments[1].save_refused = true; })) << "refused and adopted";
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.comments[2].refusal = 7; })) << "refused twice";
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.comments[2].id.reset(); }));
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.comments[2].id = 12; })) << "two of a number";
    EXPECT_TRUE(is_suspect_after([](Rows &rows) { rows.changes[3].request = rows.changes[1].request; }))
        << "applied twice";
}

TEST_F(ScreeningTest, Adoptions)
{
    const auto adopted_by = [](Timestamp change) {
        return [change](Rows &rows) { rows.comments[0].adopted_version = change; };
    };
    EXPECT_FALSE(is_suspect_after(adopted_by(version_of(0))));
    EXPECT_FALSE(is_suspect_after(adopted_by(version_of(2)))) << "two by one change";
    EXPECT_FALSE(is_suspect_after(adopted_by(version_of(3))));
    EXPECT_FALSE(is_suspect_after(adopted_by(version_of(-1)))) << "one that is not kept";
    EXPECT_TRUE(is_suspect_after(adopted_by(shifted(version_of(0), 1))));
    EXPECT_TRUE(is_suspect_after(adopted_by(shifted(version_of(3), 1))));
}

TEST_F(ScreeningTest, MoreThanIsRemembered)
{
    Rows rows = well();
    rows.comments.clear();
    for (std::size_t id = 1; id <= RememberedNumbers::room; id++)
        rows.comments.push_back(comment(static_cast<std::int64_t>(id)));
    EXPECT_FALSE(is_suspect(rows));
    rows.comments.push_back(comment(RememberedNumbers::room + 1));
    EXPECT_TRUE(is_suspect(rows));
    EXPECT_FALSE(is_suspect(well()));
}

}  // namespace

}  // namespace crm::core
