#include "haproxy/termination.h"

#include <algorithm>
#include <chrono>

namespace leastwise::agent {
namespace {

using std::chrono::milliseconds;
constexpr Duration kTruncation = milliseconds(1);  // of a timer, at most

Result by_status(int status) noexcept { return status >= 500 ? Result::kServerError : Result::kOk; }

Result server_ended(char phase, int status) noexcept {
  if (phase == 'C') return Result::kRefused;
  if (phase == 'H') return Result::kReset;
  if (phase == 'D') return Result::kTruncated;
  return phase == 'Q' ? Result::kCancelled : by_status(status);
}

Result server_silent(char phase) noexcept {
  if (phase == 'C') return Result::kRefused;
  return phase == 'H' || phase == 'D' ? Result::kTimeout : Result::kCancelled;
}

Result broken(char phase) noexcept {
  if (phase == 'H') return Result::kReset;
  return phase == 'D' ? Result::kTruncated : Result::kCancelled;
}

Duration full_time(const FeedbackLine& line, Duration since_pick) noexcept {
  Duration time = since_pick;
  if (line.total >= 0) time = std::min<Duration>(time, milliseconds(line.total) + kTruncation);
  if (line.queue > 0) time -= milliseconds(line.queue);
  return std::max(time, Duration{1});
}

// Within the millisecond that the timer leaves open.
Duration refined(std::int64_t timer, Duration full) noexcept {
  const Duration at_least = milliseconds(timer);
  return std::clamp(full, std::max(at_least, Duration{1}), at_least + kTruncation);
}

// kUnknownDuration when HAProxy never came to that point.
Duration first_byte_time(const FeedbackLine& line, Duration full) noexcept {
  if (line.connect < 0 || line.answer < 0) return kUnknownDuration;
  return refined(line.connect + line.answer, full);
}

bool belongs_to_client(const FeedbackLine& line) noexcept {
  return line.status == 101 || line.bytes_received > kBufferedBytes;
}

Duration occupied_time(const FeedbackLine& line, Sample sample, const Outcome& outcome,
                       Duration full) noexcept {
  if (outcome.result == Result::kTimeout || sample == Sample::kFull) return full;
  const bool is_tcp = !line.is_http && line.answer < 0 && line.status == 0;
  if (is_tcp) return refined(line.connect, full);
  const bool to_first_byte = sample == Sample::kFirstByte || belongs_to_client(line);
  return to_first_byte && outcome.first_byte >= Duration::zero() ? outcome.first_byte : full;
}

}  // namespace

Result classify(char cause, char phase, int status) noexcept {
  if (cause == '-' || phase == 'L') return by_status(status);
  switch (cause) {
    case 'S':
      return server_ended(phase, status);
    case 's':
      return server_silent(phase);
    case 'P':
    case 'D':
      return broken(phase);
    case 'C':
    case 'c':
      return phase == 'Q' ? Result::kCancelled : Result::kClientGone;
    default:
      return Result::kCancelled;
  }
}

Outcome outcome_of(const FeedbackLine& line, Sample sample, Duration since_pick) noexcept {
  Outcome outcome;
  outcome.result = classify(line.cause, line.phase, line.status);
  outcome.status = static_cast<std::uint16_t>(line.status);
  outcome.bytes_sent = line.bytes_sent;
  outcome.bytes_received = line.bytes_received;
  if (line.connect >= 0) outcome.connect = milliseconds(line.connect);
  if (line.connect < 0 && outcome.result != Result::kTimeout) return outcome;

  const Duration full = full_time(line, since_pick);
  outcome.first_byte = first_byte_time(line, full);
  outcome.occupied = occupied_time(line, sample, outcome, full);
  if (outcome.result == Result::kOk && outcome.occupied < full) outcome.kept = full;
  return outcome;
}

}  // namespace leastwise::agent
