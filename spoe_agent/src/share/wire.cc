#include "share/wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "serve/clock.h"
#include "serve/fd.h"

namespace leastwise::agent {
namespace {

bool is_ip(const std::string& host) noexcept {
  std::array<unsigned char, sizeof(in6_addr)> unused;
  return ::inet_pton(AF_INET, host.c_str(), unused.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), unused.data()) == 1;
}

// Of whom the certificate has to be, and whom a server of several names is asked for.
bool expect(SSL* ssl, const std::string& host) noexcept {
  X509_VERIFY_PARAM* const rules = ::SSL_get0_param(ssl);
  if (is_ip(host)) return ::X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) == 1;
  ::X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return ::X509_VERIFY_PARAM_set1_host(rules, host.c_str(), 0) == 1 &&
         ::SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    const_cast<char*>(host.c_str())) == 1;
}

std::string about_certificate(long result) {
  std::string text = "its certificate is refused: ";
  text += ::X509_verify_cert_error_string(result);
  switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return text + "; the host of share has to be a name or address in it";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return text + "; share_tls_ca_cert_file names whom to trust";
    default:
      return text;
  }
}

std::string about_tls(unsigned long error) {
  const char* const words = ::ERR_reason_error_string(error);
  std::string text = words == nullptr ? "TLS failed" : words;
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return text;
  switch (ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
      return text + "; no TLS is spoken at this port: redis:// goes without";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return text + "; does it want a certificate? share_tls_cert_file is one";
    default:
      return text;
  }
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::string out(text.substr(0, kMost));
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

void Wire::Free::operator()(bio_st* chain) const noexcept { ::BIO_free_all(chain); }

bool Wire::fail(std::string_view why) {
  error_ = shown(why);
  return false;
}

void Wire::close() noexcept {
  bytes_ = bytes();
  socket_ = nullptr;
  bio_.reset();
}

std::uint64_t Wire::bytes() const noexcept {
  return socket_ == nullptr ? bytes_
                            : bytes_ + ::BIO_number_read(socket_) + ::BIO_number_written(socket_);
}

bool Wire::open(const RedisUrl& url, const ShareTls& tls) {
  close();
  if (connect(url) && (!url.is_tls || start_tls(url, tls))) return true;
  close();
  return false;
}

bool Wire::connect(const RedisUrl& url) {
  constexpr auto kUs = kPatience.count();
  const timeval patience = {.tv_sec = kUs / 1'000'000, .tv_usec = kUs % 1'000'000};
  redisContext* const made = ::redisConnectWithTimeout(url.host.c_str(), url.port, patience);
  if (made == nullptr) return fail("no memory");
  fail(made->err != 0 ? made->errstr : "");
  const bool is_made = made->err == 0;
  Fd fd(::redisFreeKeepFd(made));
  if (!is_made) return false;
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return fail(std::strerror(errno));
  bio_.reset(::BIO_new_socket(fd.get(), BIO_CLOSE));
  if (bio_ == nullptr) return fail("no memory");
  fd.release();
  socket_ = bio_.get();
  return true;
}

bool Wire::start_tls(const RedisUrl& url, const ShareTls& tls) {
  try {
    const TlsContext context = make_tls_context(tls);
    BIO* const filter = ::BIO_new_ssl(context.get(), 1);
    if (filter == nullptr) return fail("no memory");
    bio_.reset(::BIO_push(filter, bio_.release()));
  } catch (const std::exception& error) {
    return fail(error.what());
  }
  SSL* ssl = nullptr;
  BIO_get_ssl(bio_.get(), &ssl);
  if (!expect(ssl, url.host)) return fail("no certificate can be for this host");
  const auto shake = [this] { return static_cast<int>(BIO_do_handshake(bio_.get())); };
  return carry(shake, now() + kPatience,
               "no answer to a TLS handshake within 0.5 s; has it TLS at this port?") > 0;
}

bool Wire::send(std::string_view bytes, TimePoint deadline) {
  while (!bytes.empty()) {
    const auto part = static_cast<int>(std::min(bytes.size(), std::size_t{1} << 20));
    const int n =
        carry([&] { return ::BIO_write(bio_.get(), bytes.data(), part); }, deadline, kSilent);
    if (n == 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::size_t Wire::receive(std::span<char> out, TimePoint deadline) {
  const auto step = [&] {
    return ::BIO_read(bio_.get(), out.data(), static_cast<int>(out.size()));
  };
  return static_cast<std::size_t>(carry(step, deadline, kSilent));
}

template <typename Step>
int Wire::carry(Step step, TimePoint deadline, const char* late) {
  for (;;) {
    ::ERR_clear_error();
    errno = 0;
    const int n = step();
    if (n > 0) return n;
    if (!BIO_should_retry(bio_.get())) return fail(reason()), 0;
    if (!wait(deadline)) return fail(late), 0;
  }
}

bool Wire::wait(TimePoint deadline) const noexcept {
  const short events = BIO_should_write(bio_.get()) ? POLLOUT : POLLIN;
  pollfd fd = {.fd = -1, .events = events, .revents = 0};
  BIO_get_fd(bio_.get(), &fd.fd);
  const Duration left = deadline - now();
  if (left <= Duration::zero()) return false;
  ::poll(&fd, 1, static_cast<int>(left / std::chrono::milliseconds(1)) + 1);
  return true;
}

std::string Wire::reason() const {
  const int os_error = errno;
  SSL* ssl = nullptr;
  BIO_get_ssl(bio_.get(), &ssl);
  if (ssl != nullptr) {
    if (const long result = ::SSL_get_verify_result(ssl); result != X509_V_OK) {
      return about_certificate(result);
    }
  }
  const unsigned long error = ::ERR_peek_error();
  if (error != 0 && ERR_GET_LIB(error) != ERR_LIB_SYS) return about_tls(error);
  return os_error == 0 ? "it closed the connection" : std::strerror(os_error);
}

}  // namespace leastwise::agent
