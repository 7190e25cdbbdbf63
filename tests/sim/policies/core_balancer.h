// CoreBalancer: the code under test. One Pool and one Picker, as one process of a front
// end drives them, with the simulator's time, randomness and memory.
#ifndef LEASTWISE_TESTS_SIM_POLICIES_CORE_BALANCER_H_
#define LEASTWISE_TESTS_SIM_POLICIES_CORE_BALANCER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/balancer.h"
#include "leastwise/picker.h"
#include "leastwise/pool.h"
#include "lua/script.h"
#include "sharing/pool_sharing.h"

namespace leastwise::sim {

class CoreBalancer final : public Balancer {
 public:
  // `script`: what chooses; nullptr: the configuration's policy.
  CoreBalancer(const World& world, const Config& config, std::uint64_t seed,
               std::unique_ptr<lua::Script> script = nullptr);
  // Tells other balancers what it has in flight, and hears them.
  void share() { shares_ = true; }
  bool shares() const override { return shares_; }
  ~CoreBalancer() override;  // says what part of a row is not the script's
  CoreBalancer(const CoreBalancer&) = delete;
  CoreBalancer& operator=(const CoreBalancer&) = delete;

  std::optional<std::uint32_t> pick(const Job& job) override;
  void finish(const Job& job, const Answer& answer) override;
  void answered(const Job& job, const Answer& answer) override;
  void server_down(std::uint32_t server) override;
  void server_up(std::uint32_t server) override;
  void tick() override;
  std::string tell() override;
  void hear(std::uint32_t teller, const std::string& told) override;

  const Pool& pool() const { return pool_; }

 private:
  struct alignas(64) Line : std::array<std::byte, 64> {};
  static std::vector<Line> lines(std::size_t bytes) { return std::vector<Line>(bytes / 64 + 1); }
  std::uint32_t flags_of(std::uint32_t server) const;
  void set_flags(std::uint32_t server, std::uint32_t flags);
  TimePoint now() const;
  Request request_of(const Job& job);
  std::uint64_t told(lua::Call call, std::uint64_t otherwise);
  static bool text_of(const void* asked, lua::What what, std::string_view name,
                      std::string_view& out) noexcept;

  const World& world_;
  Config config_;
  std::vector<Line> pool_memory_, picker_memory_;
  Pool pool_;
  Picker picker_;
  ProcessSlot slot_{};
  std::unique_ptr<lua::Script> script_;
  std::uint64_t picks_ = 0, faults_ = 0;  // of requests; those where the script failed
  std::string route_, key_;               // of the request that is picked for, as scripts see them
  std::vector<EndpointId> endpoints_;     // by server
  std::vector<Ticket> tickets_;           // by job
  sharing::PoolSharing sharing_;
  bool shares_ = false;
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_POLICIES_CORE_BALANCER_H_
