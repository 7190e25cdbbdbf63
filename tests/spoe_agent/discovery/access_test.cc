#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "discovery/kubernetes/access.h"

namespace leastwise::discovery::kubernetes {
namespace {

struct Folder : testing::Test {
  Folder() {
    std::string name = testing::TempDir() + "access_XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() override { std::filesystem::remove_all(path); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
  // What is wrong with a kubeconfig, without the path.
  std::string refusal(const std::string& text) const {
    try {
      access_of_kubeconfig(write("k", text));
    } catch (const std::runtime_error& error) {
      return std::string(error.what()).substr(path.size() + 4);
    }
    return "";
  }

  std::string path;
};

using Access_ = Folder;

constexpr const char* kHead = R"(
current-context: b
contexts:
- {name: a, context: {cluster: ca, user: ua}}
- {name: b, context: {cluster: cb, user: ub, namespace: shop}}
clusters:
- {name: ca, cluster: {server: "https://a:1"}}
- {name: cb, cluster: {server: "https://b:2/", certificate-authority-data: Q0E=}}
)";

TEST_F(Access_, OfAPodIsItsServiceAccount) {
  ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", "6443", 1);
  write("token", "secret\n");
  write("namespace", "shop");
  const Access access = access_of_pod(path);
  EXPECT_EQ(access.server, "https://[fd00::1]:6443");
  EXPECT_EQ(access.namespace_, "shop");
  EXPECT_EQ(access.tls.ca_file, path + "/ca.crt");
  EXPECT_TRUE(access.tls.is_verified);
  std::string error;
  EXPECT_EQ(token_of(access, error), "secret");
  write("token", "newer");
  EXPECT_EQ(token_of(access, error), "newer");
  write("token", "a\nb");
  EXPECT_EQ(token_of(access, error), "");
  EXPECT_NE(error.find("expected one line"), error.npos);
  std::filesystem::remove(path + "/token");
  EXPECT_THROW(access_of_pod(path), std::runtime_error);
}

TEST_F(Access_, OfAKubeconfigIsItsCurrentContext) {
  const Access access = access_of_kubeconfig(
      write("k", kHead + std::string("users: [{name: ub, user: {token: t, client-key: k.pem}}]")));
  EXPECT_EQ(access.server, "https://b:2");
  EXPECT_EQ(access.namespace_, "shop");
  EXPECT_EQ(access.tls.ca_text, "CA");
  EXPECT_EQ(access.tls.key_file, path + "/k.pem");
  std::string error;
  EXPECT_EQ(token_of(access, error), "t");
}

TEST_F(Access_, WhatAKubeconfigLacksIsNamed) {
  EXPECT_EQ(refusal("a: b"), "it has no current-context");
  EXPECT_EQ(refusal("current-context: x"), "it has no entry \"x\" in contexts");
  EXPECT_EQ(refusal(kHead), "it has no entry \"ub\" in users");
  EXPECT_EQ(refusal(kHead + std::string("users: [{name: ub, user: {exec: {command: x}}}]")),
            "users: exec is not supported; expected a token or a client certificate");
  EXPECT_NE(refusal("a: [").find("yaml-cpp: error"), std::string::npos);
  EXPECT_NE(refusal("7"), "");
  EXPECT_NE(refusal(""), "");
  EXPECT_NE(refusal("current-context: b\ncontexts: 7"), "");
  EXPECT_THROW(access_of_kubeconfig(path + "/none"), std::runtime_error);
}

}  // namespace
}  // namespace leastwise::discovery::kubernetes
