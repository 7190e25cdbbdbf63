// What a run says: as JSON for programs, as a short table for people.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_REPORT_H_
#define LEASTWISE_TESTS_BENCH_LOAD_REPORT_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bench/load/options.h"
#include "bench/load/run.h"

namespace leastwise::bench {

nlohmann::ordered_json report_json(const Options& options, const RunResult& result);

std::string report_table(const Options& options, const RunResult& result);

// Whether our own lateness makes the figures worthless.
bool is_too_late(const Options& options, const RunResult& result) noexcept;

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_REPORT_H_
