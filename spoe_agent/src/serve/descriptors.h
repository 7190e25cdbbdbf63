// How many descriptors the process may have, and who may have how many of them.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_DESCRIPTORS_H_
#define LEASTWISE_SPOE_AGENT_SERVE_DESCRIPTORS_H_

#include <cstddef>

namespace leastwise::agent {

// Of the status port; and what files, sockets of our own, epolls take, with room to spare.
inline constexpr std::size_t kStatusConnections = 64;
inline constexpr std::size_t kCheckConnections = 256;  // of agent-checks, if there are any
inline constexpr std::size_t kOwnDescriptors = 64;
inline constexpr std::size_t kMostConnections = 4096;  // of HAProxy's port
inline constexpr std::size_t kLeastConnections = 16;

// Raises the soft limit to the hard one, and returns it: the usual 1,024 are fewer than HAProxy
// may have connections.
std::size_t raise_descriptor_limit() noexcept;

// Makes the kernel's table of our descriptors as large as n of them need. It only grows, by
// doubling, and where threads share it each time waits some 10 ms (synchronize_rcu() in Linux'
// fs/file.c): a crowd of newcomers would wait for that, and HAProxy's check behind them. Before
// there are threads.
void reserve_descriptors(std::size_t n) noexcept;

// How many connections HAProxy's port may have, so that the others always find theirs: `others`
// beside those of the status port.
std::size_t connections_for_haproxy(std::size_t descriptors, std::size_t others = 0) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_DESCRIPTORS_H_
