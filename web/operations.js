// Every GraphQL operation that the page sends. The console sends what people type; its own
// introspection query stands in schema.js.
// Each template is one whole operation without placeholders, so that a test can read this file and
// check every one of them against the schema.

export const logInMutation = `
mutation LogIn($input: LogInInput!) {
  logIn(input: $input) {
    accessToken refreshToken expiresAt challenge passkeyOptions
    userErrors { code message path }
  }
}`;

export const completeLogInMutation = `
mutation CompleteLogIn($input: CompleteLogInInput!) {
  completeLogIn(input: $input) {
    accessToken refreshToken expiresAt
    userErrors { code message path }
  }
}`;

export const beginPasskeyLogInMutation = `
mutation BeginPasskeyLogIn {
  beginPasskeyLogIn {
    options
    userErrors { code message path }
  }
}`;

export const completePasskeyLogInMutation = `
mutation CompletePasskeyLogIn($input: CompletePasskeyLogInInput!) {
  completePasskeyLogIn(input: $input) {
    accessToken refreshToken expiresAt
    userErrors { code message path }
  }
}`;

export const beginPasskeyRegistrationMutation = `
mutation BeginPasskeyRegistration($input: BeginPasskeyRegistrationInput!) {
  beginPasskeyRegistration(input: $input) {
    options
    userErrors { code message path }
  }
}`;

export const confirmPasskeyRegistrationMutation = `
mutation ConfirmPasskeyRegistration($input: ConfirmPasskeyRegistrationInput!) {
  confirmPasskeyRegistration(input: $input) {
    passkey { id } recoveryCodes
    userErrors { code message path }
  }
}`;

export const removePasskeyMutation = `
mutation RemovePasskey($input: RemovePasskeyInput!) {
  removePasskey(input: $input) {
    userErrors { code message path }
  }
}`;

export const profileQuery = `
query Profile {
  me {
    name email
    secondFactor { app recoveryCodesLeft }
    passkeys { id name createdAt usedAt copiedAt }
    apps { clientId name scopes allowedAt usedAt }
  }
}`;

export const appRequestQuery = `
query AppRequest($request: String!) {
  appRequest(request: $request) {
    state silent command loginHint name registeredBy answersTo
    organization { id name }
    scopes { scope meanings }
  }
}`;

export const allowAppMutation = `
mutation AllowApp($input: AllowAppInput!) {
  allowApp(input: $input) { redirectTo userErrors { code message path } }
}`;

export const declineAppMutation = `
mutation DeclineApp($input: DeclineAppInput!) {
  declineApp(input: $input) { redirectTo userErrors { code message path } }
}`;

export const revokeAppMutation = `
mutation RevokeApp($input: RevokeAppInput!) {
  revokeApp(input: $input) { ended userErrors { code message path } }
}`;

export const refreshMutation = `
mutation Refresh($input: RefreshInput!) {
  refresh(input: $input) {
    accessToken refreshToken expiresAt
    userErrors { code message path }
  }
}`;

export const logOutMutation = `
mutation LogOut {
  logOut { userErrors { code message path } }
}`;

export const signInOptionsQuery = `
query SignInOptions {
  signInOptions { passwordReset providers { name label path } }
}`;

export const requestPasswordResetMutation = `
mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
  requestPasswordReset(input: $input) { userErrors { code message path } }
}`;

export const resetPasswordMutation = `
mutation ResetPassword($input: ResetPasswordInput!) {
  resetPassword(input: $input) { userErrors { code message path } }
}`;

export const verifyEmailMutation = `
mutation VerifyEmail($input: VerifyEmailInput!) {
  verifyEmail(input: $input) { userErrors { code message path } }
}`;

export const acceptInvitationMutation = `
mutation AcceptInvitation($input: AcceptInvitationInput!) {
  acceptInvitation(input: $input) { userErrors { code message path } }
}`;

export const setUpStateQuery = `
query SetUpState($token: String) {
  setUpState(token: $token)
}`;

export const setUpMutation = `
mutation SetUp($input: SetUpInput!) {
  setUp(input: $input) {
    accessToken refreshToken expiresAt
    userErrors { code message path }
  }
}`;

export const meQuery = `
query Me {
  me { id name organization { id name } }
}`;

export const projectsQuery = `
query Projects($after: String) {
  projects(first: 50, after: $after) {
    nodes {
      id name
      scores { framework { id name version } asOf lo hi coverage headline satisfied otherThanSatisfied undetermined }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const scoreChangedSubscription = `
subscription ScoreChanged($projectId: ID!, $after: String) {
  scoreChanged(projectId: $projectId, after: $after) {
    cursor recordedAt
    framework { id name version }
    lo hi coverage headline satisfied otherThanSatisfied undetermined
    previous { lo hi }
    causeCount
    causes { kind type }
  }
}`;

export const scoreQuery = `
query Score($projectId: ID!, $frameworkId: ID!, $asOf: DateTime, $at: DateTime, $after: String) {
  project(id: $projectId) {
    id name
    score(frameworkId: $frameworkId, asOf: $asOf, at: $at) {
      framework { id name version publisher notice }
      formulaVersion asOf at
      lo hi coverage headline satisfied otherThanSatisfied undetermined
      requirements(first: 100, after: $after) {
        nodes {
          requirement { id code label title text group importance }
          lo hi decided verdict weight pointsLost pointsUndecided
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}`;

export const contributionsQuery = `
query Contributions($projectId: ID!, $frameworkId: ID!, $requirementId: ID!, $asOf: DateTime, $at: DateTime, $after: String) {
  project(id: $projectId) {
    score(frameworkId: $frameworkId, asOf: $asOf, at: $at) {
      contributions(first: 50, after: $after, requirementId: $requirementId) {
        nodes {
          share anyOf
          control {
            control { id code title retired owner { id name } }
            lo hi decided verdict implementation factor caps
            limitedBy { strength own value control { id code title } }
            tests {
              test { id title } check weight key validityDays
              population passed failed unknown lo hi decided
              summaries {
                account region population passed failed unknown
                freshness ageDays collectedAt recordedAt rejected
                evidence { version sha256 evidence { id } }
              }
            }
          }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}`;
