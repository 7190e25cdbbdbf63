#include "stream/classify.h"

#include <gtest/gtest.h>

#include <string_view>

namespace leastwise::nginx::stream {
namespace {

struct Row {
  std::string_view what;
  Evidence evidence;
  Result result;
};

// What nginx 1.22 leaves behind in each case was read in its source; outcomes_test.py and
// udp_test.py make most of them happen.
const Row kTcp[] = {
    {"answered",
     {.reached = true, .connected = true, .asked = true, .answered = true, .closed = true},
     Result::kOk},
    {"reset long after it was answered",
     {.reached = true, .connected = true, .asked = true, .answered = true, .broken = true},
     Result::kOk},
    {"refused", {.given_up = true, .reached = true, .broken = true}, Result::kRefused},
    {"refused at once, without a socket", {.given_up = true}, Result::kRefused},
    {"connecting took too long",
     {.given_up = true, .reached = true, .timed_out = true},
     Result::kRefused},
    {"no socket could be had", {}, Result::kCancelled},
    {"the client left while it was connecting", {.reached = true}, Result::kClientGone},
    {"the TLS handshake failed",
     {.given_up = true, .reached = true, .tls_begun = true},
     Result::kReset},
    {"the TLS handshake took too long",
     {.given_up = true, .reached = true, .tls_begun = true, .timed_out = true},
     Result::kTimeout},
    {"reset before any byte",
     {.reached = true, .connected = true, .asked = true, .broken = true, .closed = true},
     Result::kReset},
    {"closed before any byte, in order",
     {.reached = true, .connected = true, .asked = true, .closed = true, .expects_answer = true},
     Result::kOk},
    {"the client said nothing and left",
     {.reached = true, .connected = true, .client_left = true, .expects_answer = true},
     Result::kClientGone},
    {"the client left while it waited",
     {.reached = true,
      .connected = true,
      .asked = true,
      .client_left = true,
      .expects_answer = true},
     Result::kClientGone},
    {"no answer in time",
     {.reached = true, .connected = true, .asked = true, .expects_answer = true},
     Result::kTimeout},
    {"sent to who never answers", {.reached = true, .connected = true, .asked = true}, Result::kOk},
};

const Row kUdp[] = {
    {"answered",
     {.datagrams = true, .reached = true, .connected = true, .asked = true, .answered = true},
     Result::kOk},
    {"refused",
     {.given_up = true, .datagrams = true, .reached = true, .broken = true, .closed = true},
     Result::kRefused},
    {"refused after it had answered",
     {.given_up = true,
      .datagrams = true,
      .reached = true,
      .answered = true,
      .broken = true,
      .closed = true},
     Result::kRefused},
    {"fewer answers than proxy_responses",
     {.given_up = true, .datagrams = true, .reached = true, .broken = true},
     Result::kTimeout},
    {"no answer, of any number",
     {.datagrams = true, .reached = true, .expects_answer = true},
     Result::kTimeout},
    {"the worker ended while it waited",
     {.datagrams = true, .reached = true, .client_left = true, .expects_answer = true},
     Result::kClientGone},
    {"none was expected", {.datagrams = true, .reached = true}, Result::kOk},
    {"no route to the server", {.given_up = true, .datagrams = true}, Result::kRefused},
    {"no socket could be had", {.datagrams = true}, Result::kCancelled},
};

TEST(StreamClassify, TellsWhatBecameOfASessionOverTcp) {
  for (const Row& row : kTcp) EXPECT_EQ(classify(row.evidence), row.result) << row.what;
}

TEST(StreamClassify, TellsWhatBecameOfASessionOverUdp) {
  for (const Row& row : kUdp) EXPECT_EQ(classify(row.evidence), row.result) << row.what;
}

}  // namespace
}  // namespace leastwise::nginx::stream
