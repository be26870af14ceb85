module.exports = {
  siteMetadata: { title: "Hello", siteUrl: "https://www.yourdomain.tld" },
  plugins: [],
};
