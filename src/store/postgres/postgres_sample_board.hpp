#pragma once
// Samples in a table of the log's schema that outlives no crash: nothing is written ahead for it.
#include <chrono>
#include <memory>

#include "store/postgres/postgres_store.hpp"
#include "store/sample_board.hpp"

namespace rollcall {

/// Connects with the first call. The log has to be there (open_postgres_store). `self` is this process among all that
/// ever shared the log. What is told goes after `kept`. `clock` outlives it.
[[nodiscard]] Result<std::unique_ptr<SampleBoard>> open_postgres_sample_board(const PostgresOptions& options,
                                                                              NodeId self,
                                                                              std::chrono::milliseconds kept,
                                                                              const Clock& clock);

}  // namespace rollcall
