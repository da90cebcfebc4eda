#pragma once

#include <map>
#include <string>
#include <vector>

#include "checker.h"
#include "evidence.h"

namespace crm::hammer {

// The checks of one customer, by what they look at; each reports what does not hold.
void check_history(const Evidence &evidence, Findings &findings);
void check_saves(const Evidence &evidence, Findings &findings);
void check_comments(const Evidence &evidence, Findings &findings);
void check_answers(const Evidence &evidence, Findings &findings);
void check_locks(const Evidence &evidence, Findings &findings);

// An attempt that was told of a lock of somebody else.
void check_refusal_by_lock(const Evidence &evidence, Findings &findings, const Attempt &attempt);

// What they have in common.
class CustomerCheck
{
public:
    CustomerCheck(const Evidence &evidence, Findings &findings) : evidence_(evidence), findings_(findings) {}

protected:
    void report(Invariant invariant, std::string what, std::vector<std::string> rows);

    // Reports that something acknowledged is lost.
    void lose(std::string what, std::vector<std::string> rows);

    // Whether the row is of a save that asked for a merge and was applied to a later version than its base.
    bool is_merged(const HistoryRow &row) const;

    // The columns that are asked for, status too.
    static std::map<std::string, std::string> asked_values(const Attempt &asked);

    template <typename Row>
    static std::vector<std::string> texts(const std::vector<const Row *> &rows)
    {
        std::vector<std::string> lines;
        lines.reserve(rows.size());
        for (const Row *row : rows)
            lines.push_back(to_text(*row));
        return lines;
    }

    static std::vector<std::string> texts(const Request &request);
    static std::vector<std::string> texts(const Comment &comment);

    const Evidence &evidence_;
    Findings &findings_;
};

}  // namespace crm::hammer
