// Model server: continuous batching with chunked prefill, and an LRU cache of prompt blocks, after
// vLLM's scheduler. No preemption: a request has room for its whole answer before it begins.
// It knows no clock: the simulator and the emulator in bench/backends say when a step is over.
#ifndef LEASTWISE_TESTS_SIM_INFERENCE_SERVER_H_
#define LEASTWISE_TESTS_SIM_INFERENCE_SERVER_H_

#include <cstdint>
#include <deque>
#include <list>
#include <unordered_map>
#include <vector>

#include "sim/inference/text.h"

namespace leastwise::sim {

struct Call {
  std::size_t id = 0;
  std::uint64_t session = 0;
  Text text;
  std::uint32_t answer_tokens = 0, written = 0;
  Text whole;  // with its answer
  double sent = 0, first_token = 0, ended = 0;
  std::uint32_t cached_tokens = 0;
  std::size_t server = 0;
};

// Blocks that are computed; those that nobody uses go when there is no room, the longest unused
// first.
class BlockCache {
 public:
  explicit BlockCache(std::size_t blocks) : capacity_(blocks) {}

  std::size_t capacity() const { return capacity_; }

  std::size_t match(const std::vector<std::uint64_t>& blocks) const;
  // False when there is no room for them and `more`.
  bool take(const std::vector<std::uint64_t>& blocks, std::size_t more);
  void give_back(const std::vector<std::uint64_t>& blocks, std::size_t more);
  // Kept though nobody uses them, if there is room.
  void keep(const std::vector<std::uint64_t>& blocks);
  double used() const { return 1 - double(capacity_ - pinned_) / double(capacity_); }

 private:
  struct Block {
    std::uint32_t users = 0;
    std::list<std::uint64_t>::iterator place{};
  };
  void evict(std::size_t room);

  std::size_t capacity_, pinned_ = 0, reserved_ = 0;
  std::unordered_map<std::uint64_t, Block> blocks_;
  std::list<std::uint64_t> unused_;  // the longest unused first
};

class ModelServer {
 public:
  static constexpr std::size_t kMostRunning = 64;
  static constexpr std::uint32_t kChunk = 2048;  // tokens a step
  static constexpr std::size_t kCacheTokens = 150'000;
  static constexpr double kStep = 0.008, kPerToken = 1e-4, kPerAnswer = 5e-5;  // seconds

  explicit ModelServer(std::size_t cache_tokens = kCacheTokens)
      : cache_(cache_tokens * kTokenBytes / kBlockBytes) {}

  // Whether it ever has room for this one; who has none would wait for ever, and all behind it.
  bool has_room_for(const Call& call) const {
    return call.text.bytes() / kBlockBytes + blocks_of_answer(call) <= cache_.capacity();
  }
  // REQUIRES: has_room_for(call), and that it has an answer of a token at least.
  void arrive(Call& call) { waiting_.push_back(&call); }
  bool is_idle() const { return waiting_.empty() && running_.empty(); }
  // Plans the next step from `now`; returns how long it takes at speed 1.
  double begin_step();
  // Ends it: adds who got the first token and who is done.
  void end_step(std::vector<Call*>& began, std::vector<Call*>& ended);

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t running() const { return running_.size(); }
  double kv_used() const { return cache_.used(); }
  double slow = 1;  // times the time that all takes

 private:
  struct Running {
    Call* call;
    std::uint32_t to_read, to_write, chunk = 0;
    std::vector<std::uint64_t> blocks;
    std::size_t more;  // blocks of its answer
  };
  static std::size_t blocks_of_answer(const Call& call) {
    return std::size_t{call.answer_tokens} * kTokenBytes / kBlockBytes + 1;
  }
  bool admit();

  std::deque<Call*> waiting_;
  std::vector<Running> running_;
  BlockCache cache_;
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_INFERENCE_SERVER_H_
