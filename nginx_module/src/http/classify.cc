#include "http/classify.h"

namespace leastwise::nginx {
namespace {

Result of_answer(const Evidence& e) noexcept {
  if (e.unreadable) return Result::kReset;
  return e.says_failed ? Result::kServerError : Result::kOk;
}

Result of_given_up(const Evidence& e) noexcept {
  // The user named this status in proxy_next_upstream, 429 say: by that it is an error.
  if (e.header) return Result::kServerError;
  if (!e.connected) return Result::kRefused;
  if (e.timed_out) return Result::kTimeout;
  // The server closed an idle connection just as it was used again: its good right.
  // That shows as soon as the request gets there; later it is the request that was dropped.
  if (e.reused && !e.received && !e.is_late) return Result::kCancelled;
  return Result::kReset;
}

bool is_complete(const Evidence& e) noexcept {
  if (e.kept || e.no_body || e.done || e.left == 0) return true;
  // What nginx read but did not relay (error_page, X-Accel-Redirect, 304 to a stale cache
  // entry) it dropped of its own will.
  if (!e.relayed) return true;
  return e.left < 0 && e.closed && !e.broken;
}

}  // namespace

Result classify(const Evidence& e) noexcept {
  if (e.given_up) return of_given_up(e);
  if (e.passed_on || e.upgraded) return of_answer(e);
  if (!e.header) return e.timed_out ? Result::kTimeout : Result::kClientGone;
  if (is_complete(e)) return of_answer(e);
  if (e.timed_out) return Result::kTimeout;
  if (e.closed || e.broken) return Result::kTruncated;
  return Result::kClientGone;
}

}  // namespace leastwise::nginx
