// PickMessage: our own message, `leastwise-pick`, read out of a NOTIFY.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_PICK_MESSAGE_H_
#define LEASTWISE_SPOE_AGENT_SPOP_PICK_MESSAGE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "spop/messages.h"
#include "spop/types.h"

namespace leastwise::spop {

// What HAProxy itself knows of a server at the moment of the question. Not said is not zero.
struct ServerLoad {
  std::string_view name;
  std::optional<std::uint32_t> in_flight;  // c_NAME=srv_conn(BACKEND/NAME)
  std::optional<std::uint32_t> queued;     // q_NAME=srv_queue(BACKEND/NAME)
  std::optional<bool> is_up;               // u_NAME=srv_is_up(BACKEND/NAME)
};

// What HAProxy itself knows of a prompt in the request's body. Not said is 0.
struct PromptDigests {
  static constexpr std::size_t kMost = 36;

  std::uint32_t seen = 0;        // len=req.body_len: bytes that HAProxy had,
  std::uint32_t whole = 0;       // size=req.body_size: and all of them, if that is known
  std::uint32_t max_tokens = 0;  // max=req.body,json_query(...)
  std::string_view model;        // model=req.body,json_query('$.model')
  std::string_view salt;         // salt=req.body,json_query('$.cache_salt')
  // dK=req.body,bytes(0,N),xxh64, of the K-th length; those from 0 on without a gap.
  std::array<std::uint64_t, kMost> digests;
  std::size_t count = 0;
};

// The arguments, in any order:
//   id, backend          strings; backend is required, without an id no outcome can be matched
//   method, path         optional strings: what a request costs is told by them, without a route
//   route, key           optional strings, numbers or addresses: what matters is which are equal
//   src                  optional: the client, an IPv4 or IPv6 address
//   queue                optional: what waits in HAProxy for any server of the backend
//   c_*, q_*, u_*        optional, see ServerLoad
//   len, size, max, model, salt, d0, d1, …   optional, see PromptDigests
// A null, as HAProxy sends for a fetch without result, counts as not sent, and so does an argument
// of a wrong type or a negative number. Other names are ignored; of a repeated one the last counts.
//
// Servers keep the order of the arguments, which is the order of HAProxy's configuration when it is
// generated from it. Names are not looked up: whether HAProxy's server is known to the pool is for
// the caller to see. What is said of one server is put together if it comes either side by side
// (c_a q_a c_b q_b) or kind by kind in one order (c_a c_b q_a q_b). Said otherwise, or repeated,
// it makes a further entry of the same name; a caller that applies what is present, entry by entry,
// then ends with the last word on each server in any case. That spares a search for each argument.
//
// 8 KiB or so, meant to be reused: reading costs no more than what was sent. Views point into the
// frame. Not thread safe.
class PickMessage {
 public:
  static constexpr std::string_view kName = "leastwise-pick";

  // Reads the first message of that name among `messages`. False if there is none, or it names no
  // backend.
  bool read(Messages messages) noexcept;

  std::string_view id() const noexcept { return id_; }
  std::string_view backend() const noexcept { return backend_; }
  std::string_view route() const noexcept { return route_; }
  std::string_view method() const noexcept { return method_; }
  std::string_view path() const noexcept { return path_; }
  std::string_view key() const noexcept { return key_; }
  const Value& src() const noexcept { return src_; }  // null if not sent
  // What waits in HAProxy for a server of the backend; 0 if not sent.
  std::uint32_t queue() const noexcept { return queue_; }
  const PromptDigests& prompt() const noexcept { return prompt_; }
  std::span<const ServerLoad> servers() const noexcept { return {servers_.data(), count_}; }

 private:
  enum Kind : std::size_t { kInFlight, kQueued, kUp, kKinds };

  void read_arguments(Messages& messages) noexcept;
  void set(const Argument& argument) noexcept;
  void set_of_prompt(std::string_view name, const Value& value) noexcept;
  void set_load(char letter, std::string_view name, const Value& value) noexcept;
  // The server of that name at `first` or behind; count_ if there is none.
  std::size_t find(std::string_view name, std::size_t first) const noexcept;

  // A message has at most 255 arguments: its number is one byte.
  static constexpr std::size_t kMaxServers = 255;

  std::string_view id_;
  std::string_view backend_;
  std::string_view route_;
  std::string_view method_;
  std::string_view path_;
  std::string_view key_;
  Value src_;
  std::uint32_t queue_ = 0;
  PromptDigests prompt_;
  std::size_t count_ = 0;
  std::array<std::size_t, kKinds> expected_{};  // where the next server of each kind should be
  std::array<ServerLoad, kMaxServers> servers_;
};

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_PICK_MESSAGE_H_
