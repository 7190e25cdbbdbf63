#include "stream/classify.h"

namespace leastwise::nginx::stream {
namespace {

Result of_datagrams(const Evidence& e) noexcept {
  // nginx marks its own timeout as an error of the socket, though not as closed.
  // Also of a session that was answered before: a server that stopped to.
  if (e.broken) return e.closed ? Result::kRefused : Result::kTimeout;
  if (e.answered) return Result::kOk;
  if (!e.reached) return e.given_up ? Result::kRefused : Result::kCancelled;
  if (!e.expects_answer) return Result::kOk;
  return e.client_left ? Result::kClientGone : Result::kTimeout;
}

Result of_no_connection(const Evidence& e) noexcept {
  if (e.tls_begun) {
    if (e.timed_out) return Result::kTimeout;
    return e.given_up ? Result::kReset : Result::kClientGone;
  }
  if (e.given_up) return Result::kRefused;
  return e.reached ? Result::kClientGone : Result::kCancelled;
}

}  // namespace

Result classify(const Evidence& e) noexcept {
  if (e.datagrams) return of_datagrams(e);
  if (e.answered) return Result::kOk;
  if (!e.connected) return of_no_connection(e);
  if (e.broken) return Result::kReset;
  // An orderly end without a word: of who only takes, its way to say that it has enough.
  if (e.closed) return Result::kOk;
  if (!e.asked) return Result::kClientGone;
  if (!e.expects_answer) return Result::kOk;
  return e.client_left ? Result::kClientGone : Result::kTimeout;
}

}  // namespace leastwise::nginx::stream
