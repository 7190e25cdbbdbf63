#include "bench/load/run.h"

#include <sys/resource.h>

#include <algorithm>
#include <optional>

#include "bench/load/request_source.h"

namespace leastwise::bench {
namespace {

// Above our capacity sending would never pause, and answers would wait for us to read them.
constexpr int kSendsPerTurn = 64;

void run_open_loop(const Options& options, Client& client, RequestSource& source, Time start,
                   RunResult& result) {
  std::optional<Request> next = source.next();
  while (next || client.pending() != 0) {
    Time time = now();
    for (int sends = 0; sends < kSendsPerTurn && next && start + next->at <= time; ++sends) {
      result.lags.push_back(time - start - next->at);
      client.send(*next);
      ++result.scheduled;
      next = source.next();
      time = now();  // sending took time, and that is lateness of the next one
    }
    client.poll(next ? std::optional(start + next->at) : std::nullopt);
  }
  result.span = options.plan.end;
}

void run_closed_loop(const Options& options, Client& client, RequestSource& source, Time start,
                     RunResult& result) {
  const Time end = start + options.plan.end;
  const std::uint64_t limit = options.request_limit;
  const auto goes_on = [&](Time time) {
    return limit != 0 ? result.scheduled < limit : time < end;
  };
  bool is_going = true;
  while (is_going || client.pending() != 0) {
    Time time = now();
    is_going = is_going && goes_on(time);
    while (is_going && client.pending() < options.closed_connections) {
      client.send(source.next_at(time - start));
      ++result.scheduled;
      time = now();
      is_going = goes_on(time);
    }
    if (is_going || client.pending() != 0) client.poll(std::nullopt);
    result.span = is_going || limit != 0 ? now() - start : options.plan.end;
  }
}

Duration cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto span = [](const timeval& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
  };
  return span(usage.ru_utime) + span(usage.ru_stime);
}

}  // namespace

RunResult run_load(const Options& options) {
  RunResult result;
  Client client(options.client, options.mix);
  RequestSource source(options.plan, options.mix, options.abort_share);
  const Duration cpu_before = cpu_time();
  const Time start = now();
  client.set_start(start);
  if (options.closed_connections != 0) {
    run_closed_loop(options, client, source, start, result);
  } else {
    run_open_loop(options, client, source, start, result);
  }
  result.cpu = cpu_time() - cpu_before;
  result.samples = client.samples();
  result.server_names = client.server_names();
  result.counters = client.counters();
  std::sort(result.lags.begin(), result.lags.end());
  return result;
}

}  // namespace leastwise::bench
